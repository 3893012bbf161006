import { timestampFromDate } from "../../base/protobuf/mod.ts";
import { content } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { BlobReader, ContentStore } from "../../content/mod.ts";
import { type Digest, parseDigest } from "../../oci/mod.ts";
import { receiveBlob } from "./receive-blob.ts";
import { type HandlerContext, type Route, service } from "../../rpc/mod.ts";

/** Longest piece of a blob in one message; receivers written in Go take 4 MiB at the most. */
const pieceBytes = 1024 * 1024;

/**
 * Containerd's Content service.
 * @param storesOf what a call may read; the first store that has a blob gives it
 * @param writableStoreOf what a call may write to; without it, nothing can be written. Whoever breaks off begins anew: no half blobs are kept
 */
export function blobRoutes(
  storesOf: (call: HandlerContext) => readonly BlobReader[],
  writableStoreOf?: (call: HandlerContext) => ContentStore,
): readonly Route[] {
  const find = async (
    digest: Digest,
    call: HandlerContext,
  ): Promise<{ readonly store: BlobReader; readonly size: number }> => {
    for (const store of storesOf(call)) {
      const info = await store.info(digest);
      if (info) return { store, size: info.size };
    }
    throw new BuildError("not_found", `content ${digest}: not found`);
  };
  const readOnly = (): never => {
    throw new BuildError("unimplemented", "read-only content store");
  };
  return service(content.Content, {
    info: async ({ digest }, call) => {
      const { size } = await find(parseDigest(digest), call);
      const at = timestampFromDate(new Date(0)); // times of blobs are nobody's business here
      return { info: { digest, size: BigInt(size), createdAt: at, updatedAt: at, labels: {} } };
    },
    async *read(request, call) {
      const digest = parseDigest(request.digest);
      const { store, size } = await find(digest, call);
      const offset = Math.max(0, Number(request.offset));
      if (offset > size) {
        throw new BuildError("out_of_range", `read past object length ${size} bytes: out of range`);
      }
      const length = request.size > 0n ? Math.min(Number(request.size), size - offset) : size - offset;
      let told = 0;
      for await (const chunk of store.read(digest, { offset, length, signal: call.signal })) {
        for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
          const data = chunk.subarray(at, at + pieceBytes) as Uint8Array<ArrayBuffer>;
          yield { offset: BigInt(told), data };
          told += data.byteLength;
        }
      }
    },
    update: readOnly,
    delete: readOnly,
    abort: writableStoreOf ? async () => ({}) : readOnly,
    ...(writableStoreOf && {
      status: ({ ref }: { readonly ref: string }): never => {
        throw new BuildError("not_found", `ingest ${ref}: not found`);
      },
      listStatuses: async () => ({ statuses: [] }),
      write: (requests: AsyncIterable<content.WriteContentRequest>, call: HandlerContext) =>
        receiveBlob(requests, writableStoreOf(call), { signal: call.signal }),
    }),
  });
}
