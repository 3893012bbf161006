import { content } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { BlobReader, ReadOptions } from "../../content/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import { Metadata } from "../../rpc/mod.ts";
import { storeIdKey } from "../content/store-id.ts";
import type { SessionCaller } from "./session-caller.ts";

/**
 * Blobs of a store that a client offers. They come as the client gives them: whoever takes them in checks their digests.
 * @param storeId for an OCI layout `oci:<name>`
 */
export function clientBlobs(caller: SessionCaller, storeId: string): BlobReader {
  const client = caller.client(content.Content);
  const headers = () => new Metadata({ [storeIdKey]: storeId });
  return {
    async info(digest) {
      try {
        const { info } = await client.info({ digest }, { headers: headers(), signal: caller.closed });
        return info && { size: Number(info.size) };
      } catch (error) {
        if (error instanceof BuildError && error.code === "not_found") return undefined;
        throw error;
      }
    },
    async *read(digest: Digest, { offset = 0, length, signal = caller.closed }: ReadOptions = {}) {
      if (length === 0) return;
      const request = { digest, offset: BigInt(offset), size: BigInt(length ?? 0) };
      for await (const { data } of client.read(request, { headers: headers(), signal })) yield data;
    },
  };
}
