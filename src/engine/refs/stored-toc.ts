import { access, readFile } from "node:fs/promises";
import type { Digest } from "../../oci/mod.ts";
import { decodeToc, type LayerToc } from "../snapshots/mod.ts";
import type { StoreParts } from "./parts.ts";

/** The table stored for a layer, with contents where its uncompressed tar is in the content store; `undefined` when none is stored. */
export async function readToc(
  { places, content }: StoreParts,
  id: string,
  diffId: Digest | undefined,
): Promise<LayerToc | undefined> {
  const bytes = await readFile(places.toc(id)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!bytes) return undefined;
  const tar = diffId !== undefined && (await content.has(diffId)) ? content.path(diffId) : undefined;
  return decodeToc(
    bytes,
    tar === undefined ? undefined : (_, offsetBytes) => ({ kind: "range", file: tar, offsetBytes }),
  );
}

/** The same table with contents where the layer's directory is. Files that have some keep theirs. */
export async function withContents({ places }: StoreParts, id: string, toc: LayerToc): Promise<LayerToc> {
  const directory = places.directory(id);
  const isThere = await access(directory).then(
    () => true,
    () => false,
  );
  if (!isThere) return toc;
  return {
    ...toc,
    entries: toc.entries.map((entry) =>
      entry.type !== "file" || entry.content
        ? entry
        : { ...entry, content: { kind: "range", file: `${directory}/${entry.path}`, offsetBytes: 0 } },
    ),
  };
}
