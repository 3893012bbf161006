import type { MessageInitShape } from "../../base/protobuf/mod.ts";
import { content } from "../../api/mod.ts";
import { Outbox } from "../../base/async/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { Descriptor } from "../../oci/mod.ts";
import { Metadata } from "../../rpc/mod.ts";
import { storeIdKey } from "../content/store-id.ts";
import type { SessionCaller } from "./session-caller.ts";

/** Largest piece in one message: receivers written in Go take messages below 4 MiB. */
const pieceBytes = 1024 * 1024;

/** A store on a client's machine that blobs can be put into. */
export interface ClientStore {
  /**
   * Puts a blob there, unless it is there already.
   * @param bytes each chunk need only be valid until the next one is asked for
   * @throws {BuildError} what the client says, for instance that they are not the bytes that were promised
   */
  write(
    blob: Pick<Descriptor, "digest" | "size">,
    bytes: AsyncIterable<Uint8Array>,
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
}

/** The store that a client offers under `storeId`, for a local cache `local:<directory>`. */
export function clientStore(caller: SessionCaller, storeId: string): ClientStore {
  const client = caller.client(content.Content);
  return {
    async write({ digest, size }, bytes, { signal }) {
      const outbox = new Outbox<MessageInitShape<typeof content.WriteContentRequestSchema>>();
      const headers = new Metadata({ [storeIdKey]: storeId });
      const replies = client.write(outbox.messages(), { headers, signal })[Symbol.asyncIterator]();
      const common = { ref: digest, total: BigInt(size), expected: digest };
      const exchange = async (message: MessageInitShape<typeof content.WriteContentRequestSchema>) => {
        void outbox.send({ ...common, ...message });
        const { value, done } = await replies.next();
        if (done) throw new BuildError("unavailable", `the client ended the transfer of ${digest} before all was sent`);
        return value;
      };
      try {
        await exchange({ action: content.WriteAction.STAT });
        let offset = 0n;
        for await (const chunk of bytes) {
          for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
            const data = chunk.subarray(at, at + pieceBytes) as Uint8Array<ArrayBuffer>;
            const reply = await exchange({ action: content.WriteAction.WRITE, offset, data });
            offset += BigInt(data.byteLength);
            if (reply.offset !== offset) throw new BuildError("data_loss", `short write of ${digest} on the client`);
          }
        }
        await exchange({ action: content.WriteAction.COMMIT, offset });
      } catch (error) {
        if (!(error instanceof BuildError) || error.code !== "already_exists") throw error;
      } finally {
        outbox.end();
        await replies.return?.(undefined);
      }
    },
  };
}
