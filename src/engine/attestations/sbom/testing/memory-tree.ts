import type { ScannedTree } from "../catalogs/mod.ts";

/** A tree of these files. Their names are paths; those that end in `*` are programs, by the name without it. */
export function memoryTree(contents: Readonly<Record<string, string | Uint8Array>>): ScannedTree {
  const files = new Map(
    Object.entries(contents)
      .map(([name, content]) => {
        const path = name.replace(/\*$/, "");
        const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
        return [path, { file: { path, sizeBytes: bytes.byteLength, isExecutable: path !== name }, bytes }] as const;
      })
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  return {
    files: () => [...files.values()].map(({ file }) => file),
    has: (path) => [...files.keys()].some((known) => known === path || known.startsWith(`${path}/`)),
    find: (path) => files.get(path)?.file,
    open: ({ path }) =>
      Promise.resolve({
        read: (offset, length) =>
          Promise.resolve(files.get(path)?.bytes.subarray(offset, offset + length) ?? new Uint8Array()),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}
