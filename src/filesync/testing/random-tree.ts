import { execFileSync } from "node:child_process";
import { chmodSync, lchownSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { lsetxattr, lutimes, mknod } from "../../base/sys/mod.ts";

/** Names that have been somebody's bug. */
const names = [
  "a",
  "a-b",
  "a.b",
  "a b",
  "B",
  "-rf",
  ".hidden",
  "..x",
  "x..",
  "ä",
  "日本",
  "\u{1f600}",
  "\ue000",
  "new\nline",
  "back\\slash",
  "[x]",
  "*",
  "!no",
  "%41",
  "~",
  "é".normalize("NFD"),
  "n".repeat(255),
  " ",
  '"q"',
];

/** Pseudo-random numbers from a seed (mulberry32), so that a failure can be repeated. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/**
 * Fills `root` with a tree of everything that a file system can hold: odd names, all types that this user may make, hardlinks, extended attributes,
 * times before 1970, dangling and escaping symlinks.
 */
export function makeRandomTree(root: string, seed: number, options: { readonly entries?: number } = {}): void {
  const next = random(seed);
  const isRoot = process.getuid?.() === 0;
  const directories = [""];
  const files: string[] = [];
  const taken = new Set<string>();
  const made: string[] = [];
  for (let i = 0; i < (options.entries ?? 60); i++) {
    const directory = directories[next(directories.length)] as string;
    const path = `${directory}${names[next(names.length)]}`;
    if (taken.has(path)) continue;
    taken.add(path);
    const onDisk = `${root}/${path}`;
    const kind = next(isRoot ? 12 : 9);
    if (kind < 3) {
      mkdirSync(onDisk);
      directories.push(`${path}/`);
    } else if (kind < 6) {
      writeFileSync(onDisk, Buffer.alloc([0, 1, 100, 70_000, 600_000][next(5)] as number, `${path}${i}`));
      files.push(path);
    } else if (kind === 6 && files.length > 0) {
      linkSync(`${root}/${files[next(files.length)]}`, onDisk);
    } else if (kind < 8) {
      symlinkSync(
        ["/etc/passwd", "../../..", "nowhere", names[next(names.length)] as string][next(4)] as string,
        onDisk,
      );
    } else if (kind === 8) {
      execFileSync("mkfifo", ["--", onDisk]);
    } else if (kind === 9) {
      mknod(onDisk, 0o020600, 1, 3);
    } else if (kind === 10) {
      mknod(onDisk, 0o060600, 259, 70_000);
    } else {
      writeFileSync(onDisk, "owned");
      lchownSync(onDisk, 1000 + next(5), 70_000);
      lsetxattr(onDisk, "security.capability", Buffer.from("0100000200040000000000000000000000000000", "hex"));
    }
    made.push(path);
  }
  for (const path of made.reverse()) {
    const onDisk = `${root}/${path}`;
    if (files.includes(path)) {
      chmodSync(onDisk, [0o644, 0o4755, 0o2711, 0o000, 0o1777][next(5)] as number);
      if (next(3) === 0) lsetxattr(onDisk, "user.test", Buffer.from([0, 255, next(256)]));
    }
    lutimes(onDisk, { sec: next(2) ? 1_700_000_000 + next(1000) : -next(100_000), nsec: next(1_000_000_000) });
  }
}

/** Leaves a unix socket at `path`. */
export async function makeSocket(path: string): Promise<AsyncDisposable> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
