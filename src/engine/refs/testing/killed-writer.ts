/** Writes layers into the store at argv[2] until it is killed; says on stdout what it has finished. */
import { join } from "node:path";
import { openDirectoryStore } from "../../../content/mod.ts";
import { openByteWorkers } from "../../bytes/mod.ts";
import { openRefStore } from "../mod.ts";
import { entry, layer, remoteLayer, signal } from "./layers.ts";

const root = process.argv[2] ?? "";
const content = await openDirectoryStore(join(root, "content"));
const store = await openRefStore({ root: join(root, "refs"), content, bytes: openByteWorkers({ limit: 2 }) });
const salt = process.argv[3] ?? "";

async function writeForever(lane: number): Promise<never> {
  let parent = store.scratch();
  for (let round = 0; ; round++) {
    const name = `${salt}-${lane}-${round}`;
    const base = await store.fromImage([remoteLayer(layer([entry(`base-${name}`, name)]))], { description: name });
    await base.lowerDirs({ signal });
    const files = Array.from({ length: 50 }, (_, at) =>
      entry(`file-${name}-${String(at).padStart(2, "0")}`, name.repeat(500)),
    );
    const { ref } = await store.writeLayer(round % 4 === 0 ? base : parent, layer(files), {
      signal,
      description: name,
    });
    await ref.lowerDirs({ signal });
    await ref.blobs({ signal, compression: { type: "gzip" } });
    const saved = store.save(ref);
    process.stdout.write(`${saved} ${files.at(-1)?.path}\n`);
    parent = ref;
  }
}

await Promise.all([writeForever(1), writeForever(2)]);
