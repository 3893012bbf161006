import { blockSize, paddingOf, type TarEntry, TarError } from "./entry.ts";
import { encodeHeader, headerLimits, type PlainHeader, typeflags } from "./header.ts";
import { encodePax, formatPaxTime, xattrPrefix } from "./pax.ts";
import { pathToBytes } from "./path-text.ts";

/** What ends an archive. */
export const endOfArchive: Uint8Array = new Uint8Array(2 * blockSize);

/**
 * The header of one entry, ready to be followed by its content and {@link paddingOf} zero bytes.
 *
 * The same entry always gives the same bytes: ustar wherever it can say everything, and otherwise a PAX header with only what ustar
 * cannot say, xattrs in order of their names. User and group names stay empty. A directory's name gets its final `/`.
 */
export function encodeEntry(entry: TarEntry): Uint8Array {
  const name = entry.type === "dir" && !entry.name.endsWith("/") ? `${entry.name}/` : entry.name;
  const linkname = entry.linkname ?? "";
  const size = entry.type === "file" ? entry.size : 0;
  const split = splitName(name);
  const records: [string, Uint8Array | string][] = [];
  const fits = (value: number, limit: number): boolean => value >= 0 && value <= limit;

  if (!split) records.push(["path", pathToBytes(name)]);
  if (!isShortAscii(linkname)) records.push(["linkpath", pathToBytes(linkname)]);
  if (!fits(size, headerLimits.size)) records.push(["size", String(size)]);
  if (!fits(entry.uid, headerLimits.id)) records.push(["uid", String(entry.uid)]);
  if (!fits(entry.gid, headerLimits.id)) records.push(["gid", String(entry.gid)]);
  if (entry.mtimeNsec !== 0 || !fits(entry.mtimeSec, headerLimits.mtimeSec)) {
    records.push(["mtime", formatPaxTime(entry.mtimeSec, entry.mtimeNsec)]);
  }
  for (const [key, value] of Object.entries(entry.xattrs ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (key.includes("="))
      throw new TarError(`cannot store extended attribute ${JSON.stringify(key)} of ${JSON.stringify(name)}`);
    records.push([xattrPrefix + key, value]);
  }
  const header = encodeHeader({
    name: split?.name ?? ascii(name),
    prefix: split?.prefix ?? "",
    typeflag: typeflags[entry.type],
    mode: entry.mode & 0o7777,
    uid: fits(entry.uid, headerLimits.id) ? entry.uid : 0,
    gid: fits(entry.gid, headerLimits.id) ? entry.gid : 0,
    size: fits(size, headerLimits.size) ? size : 0,
    mtimeSec: fits(entry.mtimeSec, headerLimits.mtimeSec) ? entry.mtimeSec : 0,
    linkname: ascii(linkname),
    devMajor: entry.devMajor ?? 0,
    devMinor: entry.devMinor ?? 0,
  });
  if (records.length === 0) return header;
  const data = encodePax(records.sort(([a], [b]) => (a < b ? -1 : 1)));
  return Buffer.concat([paxHeader(name, data.length), data, Buffer.alloc(paddingOf(data.length)), header]);
}

/** Where ustar puts `name`: whole in one field, or cut at a `/` over two. `undefined` when it fits neither way. */
function splitName(name: string): Pick<PlainHeader, "name" | "prefix"> | undefined {
  if (isShortAscii(name)) return { name, prefix: "" };
  if (name.length > 256 || !isAscii(name)) return undefined;
  const cut = name.lastIndexOf("/", Math.min(155, name.length - 2));
  if (cut <= 0 || name.length - cut - 1 > 100) return undefined;
  return { prefix: name.slice(0, cut), name: name.slice(cut + 1) };
}

function paxHeader(name: string, size: number): Buffer {
  const base = name.replace(/\/$/, "").split("/").at(-1) ?? "";
  return encodeHeader({
    name: ascii(`PaxHeaders.0/${base}`),
    prefix: "",
    typeflag: "x",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size,
    mtimeSec: 0,
    linkname: "",
    devMajor: 0,
    devMinor: 0,
  });
}

function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text);
}

function isShortAscii(text: string): boolean {
  return text.length <= 100 && isAscii(text);
}

/** What readers without PAX get to see. */
function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "").slice(0, 100);
}
