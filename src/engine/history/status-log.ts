import { create, fromBinary, type MessageInitShape, toBinary } from "../../base/protobuf/mod.ts";
import { control } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { BlobReader, ContentStore } from "../../content/mod.ts";
import { type Descriptor, type Digest, Digester } from "../../oci/mod.ts";

/** Messages of Control.Status, each behind its length: 4 bytes, the lowest first. */
const mediaType = "application/vnd.buildkit.status.v0";

/**
 * Writes down what a build tells of itself, to its end; memory does not grow with it.
 * @param note sees each message as well
 * @param pin keeps what is about to be in the store
 */
export async function writeStatusLog(
  messages: AsyncIterable<MessageInitShape<typeof control.StatusResponseSchema>>,
  note: (message: control.StatusResponse) => void,
  store: ContentStore,
  pin: (digest: Digest) => void,
): Promise<Descriptor> {
  await using log = await store.ingest();
  const digester = new Digester();
  for await (const init of messages) {
    const message = create(control.StatusResponseSchema, init);
    note(message);
    const bytes = toBinary(control.StatusResponseSchema, message);
    const framed = new Uint8Array(4 + bytes.byteLength);
    new DataView(framed.buffer).setUint32(0, bytes.byteLength, true);
    framed.set(bytes, 4);
    digester.update(framed);
    await log.write(framed);
  }
  pin(digester.digest());
  return { mediaType, ...(await log.commit()) };
}

/** Reads what {@link writeStatusLog} wrote. @throws {BuildError} `data_loss` when it is cut off */
export async function* readStatusLog(
  digest: Digest,
  store: BlobReader,
  signal: AbortSignal,
): AsyncGenerator<control.StatusResponse> {
  let rest = Buffer.alloc(0);
  for await (const chunk of store.read(digest, { signal })) {
    rest = rest.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.byteLength - at >= 4) {
      const end = at + 4 + rest.readUInt32LE(at);
      if (end > rest.byteLength) break;
      yield fromBinary(control.StatusResponseSchema, rest.subarray(at + 4, end));
      at = end;
    }
    rest = rest.subarray(at);
  }
  if (rest.byteLength > 0) throw new BuildError("data_loss", "the log of this build is damaged");
}
