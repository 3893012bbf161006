import type { TocEntry } from "../mod.ts";
import { digestOf } from "../../../oci/mod.ts";
import { joinPath, sortToc } from "../mod.ts";
import type { LayerToc } from "../toc.ts";

/** A small generator of numbers that repeats for the same seed (mulberry32). */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  /** A whole number below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

const names = [
  "a",
  "b",
  "c-d",
  "c",
  "lib.so",
  "ünïcode",
  ".hidden",
  "x y",
  "𐍈",
  "\ufb01",
  "n".repeat(120),
  "bad\udcff",
];
const modes = [0o644, 0o755, 0o600, 0o4755, 0o2711, 0o777];

/** A layer with every kind of entry, contents in memory; complete, with nothing deleted. */
export function randomLayer(random: Random, count: number): LayerToc {
  const entries = new Map<string, TocEntry>();
  const directories = [""];
  const files: TocEntry[] = [];
  for (let at = 0; at < count; at++) {
    const path = joinPath(random.pick(directories), random.pick(names));
    if (entries.has(path)) continue;
    const entry = randomEntry(random, path, files);
    entries.set(path, entry);
    if (entry.type === "dir") directories.push(path);
    if (entry.type === "file" && entry.hardlink === undefined) files.push(entry);
  }
  return sortToc({ entries: [...entries.values()], whiteouts: [], opaques: [] });
}

function randomEntry(random: Random, path: string, files: readonly TocEntry[]): TocEntry {
  const base = {
    path,
    mode: random.pick(modes),
    uid: random.pick([0, 0, 1000, 3_000_000]),
    gid: random.pick([0, 0, 50, 2_097_152]),
    size: 0,
    mtimeSec: random.below(1_700_000_000),
    mtimeNsec: random.pick([0, random.below(1_000_000_000)]),
    ...(random.below(8) === 0 ? { xattrs: { "user.note": Uint8Array.of(random.below(256), 0, 10, 0xff) } } : {}),
  };
  const { xattrs: _, ...plain } = base;
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
      return { ...base, type: "dir" };
    case 3:
      return {
        ...plain,
        type: "symlink",
        mode: 0o777,
        linkname: random.pick(["a", "/etc", "../../x", "l".repeat(130), "ü"]),
      };
    case 4:
      return {
        ...plain,
        type: random.pick(["char", "block"] as const),
        devMajor: 1 + random.below(4000),
        devMinor: random.below(1 << 20),
      };
    case 5:
      return { ...plain, type: "fifo" };
    case 6: {
      const target = files.length > 0 ? random.pick(files) : undefined;
      if (target) return { ...target, path, hardlink: target.path };
    }
  }
  const data = Buffer.alloc(random.pick([0, 1, 511, 512, 513, 5000, 70_000]), `${path}${random.below(9)}`);
  return { ...base, type: "file", size: data.length, digest: digestOf(data), content: { kind: "bytes", data } };
}

/** What remains of a table when where its contents are does not count. */
export function withoutContents(toc: LayerToc, options: { wholeSeconds?: boolean } = {}): LayerToc {
  const entries = toc.entries.map((entry) => {
    const { content: _content, ...rest } = entry;
    return options.wholeSeconds ? { ...rest, mtimeNsec: 0 } : rest;
  });
  return { ...toc, entries };
}
