import { posix } from "node:path";
import { type TarEntry, type TarMember, writeTar } from "../../../tar/mod.ts";

/** Where the archive is to be unpacked. */
export const archiveRoot = "/etc";

/**
 * A node's configuration files as a tar for {@link archiveRoot}: everything belongs to root, and directories come before what is in them.
 * @param files by path below `/etc/buildkit`
 */
export function configArchive(files: Readonly<Record<string, Uint8Array>>, modified: Date): AsyncIterable<Uint8Array> {
  const named = Object.entries(files).map(([path, bytes]) => [posix.join("buildkit", path), bytes] as const);
  const directories = new Set<string>();
  for (const [path] of named) {
    for (let at = posix.dirname(path); at !== "."; at = posix.dirname(at)) directories.add(at);
  }
  const common = { uid: 0, gid: 0, mtimeSec: Math.trunc(modified.getTime() / 1000), mtimeNsec: 0 };
  const entry = (name: string, type: "dir" | "file", size: number): TarEntry => ({
    name,
    type,
    size,
    mode: type === "dir" ? 0o755 : 0o644,
    ...common,
  });
  const members: TarMember[] = [
    ...[...directories].toSorted().map((name) => ({ entry: entry(name, "dir", 0) })),
    ...named.map(([name, bytes]) => ({ entry: entry(name, "file", bytes.byteLength), body: [bytes] })),
  ];
  return writeTar(members);
}
