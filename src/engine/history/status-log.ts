import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { control } from "../../api/mod.ts";
import type { ContentStore } from "../../content/mod.ts";
import type { Descriptor } from "../../oci/mod.ts";
import type { StepCounts } from "./step-counts.ts";

/** Messages of Control.Status, each behind its length: 4 bytes, the lowest first. */
const mediaType = "application/vnd.buildkit.status.v0";

/**
 * Writes down what a build tells of itself, to its end; memory does not grow with it.
 * @param counts counts along
 */
export async function writeStatusLog(
  messages: AsyncIterable<MessageInitShape<typeof control.StatusResponseSchema>>,
  counts: StepCounts,
  store: ContentStore,
): Promise<Descriptor> {
  await using log = await store.ingest();
  for await (const init of messages) {
    const message = create(control.StatusResponseSchema, init);
    counts.add(message);
    const bytes = toBinary(control.StatusResponseSchema, message);
    const framed = new Uint8Array(4 + bytes.byteLength);
    new DataView(framed.buffer).setUint32(0, bytes.byteLength, true);
    framed.set(bytes, 4);
    await log.write(framed);
  }
  return { mediaType, ...(await log.commit()) };
}
