/** Makes layers in the store at argv[2] and removes them again, without end, until it is killed; says on stdout what it was about to remove. */
import { join } from "node:path";
import { openDirectoryStore } from "../../../content/mod.ts";
import { openByteWorkers } from "../../bytes/mod.ts";
import { openRefStore } from "../mod.ts";
import { entry, layer, signal } from "./layers.ts";

const root = process.argv[2] ?? "";
const salt = process.argv[3] ?? "";
const content = await openDirectoryStore(join(root, "content"));
const store = await openRefStore({ root: join(root, "refs"), content, bytes: openByteWorkers({ limit: 2 }) });

for (let round = 0; ; round++) {
  for (let at = 0; at < 10; at++) {
    const name = `${salt}-${round}-${at}`;
    const { ref } = await store.writeLayer(store.scratch(), layer([entry(name, name.repeat(1000))]), {
      signal,
      description: name,
    });
    await ref.lowerDirs({ signal });
    await ref.blobs({ signal, compression: { type: "gzip" } });
    process.stdout.write(`${store.save(ref)} ${name}\n`);
    await ref.release();
  }
  process.stdout.write("removing\n");
  const { layers } = await store.usage({ signal });
  const removed = layers.map(({ id }) => store.remove(id));
  if (round % 2 === 0) await Promise.all(removed.map(async (of) => await of?.deleted));
}
