import { TaskGroup } from "../../../base/async/mod.ts";
import { clientStore } from "../../../session/mod.ts";
import type { ExportContext } from "../exporter.ts";
import { type AssembledImage, documentsOf } from "../image/assemble.ts";

/** The store that a client opens for an image that it wants as single blobs. */
const storeId = "export";

/** Blobs on their way at a time. */
const transfersAtOnce = 4;

/** Writes all blobs of an image to the client's store, apart from those that are there: whatever is there leads only to what is there, too. */
export async function sendBlobs(image: AssembledImage, context: ExportContext): Promise<void> {
  const { signal } = context;
  const store = clientStore(await context.session(), storeId);
  const layers = new Map(
    image.manifests.flatMap(({ layers }) => layers).map((layer) => [layer.descriptor.digest, layer]),
  );
  {
    await using group = new TaskGroup({ limit: transfersAtOnce, signal });
    await group.all(
      [...layers.values()].map(({ descriptor, open }) => async (options) => {
        await store.write(descriptor, open({ ...options, lend: true }), options);
      }),
    );
  }
  for (const { descriptor, bytes } of documentsOf(image)) await store.write(descriptor, once(bytes), { signal });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
