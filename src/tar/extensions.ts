import { type TarEntry, type TarEntryType, TarError } from "./entry.ts";
import type { HeaderBlock } from "./header.ts";
import { decodePax, type PaxRecords, parsePaxNumber, parsePaxTime, xattrPrefix } from "./pax.ts";
import { pathFromBytes } from "./path-text.ts";

/** What PAX headers and GNU's long names say about the entry that follows them. */
export class Extensions {
  #pax: PaxRecords | undefined;
  #longName: string | undefined;
  #longLink: string | undefined;

  /** Whether a header of this type says something about the next entry (or about nothing) instead of being one. */
  static isMetadata(typeflag: string): boolean {
    return typeflag === "x" || typeflag === "X" || typeflag === "g" || typeflag === "L" || typeflag === "K";
  }

  get empty(): boolean {
    return this.#pax === undefined && this.#longName === undefined && this.#longLink === undefined;
  }

  add(typeflag: string, data: Uint8Array): void {
    if (typeflag === "L") this.#longName = untilNul(data);
    else if (typeflag === "K") this.#longLink = untilNul(data);
    else if (typeflag !== "g") this.#pax = decodePax(data);
    // Global headers ("g", from git archive) carry a comment; container tools give them no meaning, and neither do we.
    else decodePax(data);
  }

  /** The entry that `header` and what came before it describe together. */
  apply(header: HeaderBlock): TarEntry {
    const name = this.#text("path") ?? this.#longName ?? header.name;
    const linkname = this.#text("linkpath") ?? this.#longLink ?? header.linkname;
    const type = typeOf(header.typeflag, name);
    const xattrs = this.#xattrs();
    const mtime = this.#text("mtime");
    const time = mtime === undefined ? { sec: header.mtimeSec, nsec: 0 } : parsePaxTime(mtime);
    const size = type === "file" ? (this.#number("size") ?? header.size) : 0;
    if (size < 0 || header.uid < 0 || header.gid < 0) throw new TarError("invalid tar header: negative number");
    if (name.includes("\0") || linkname.includes("\0")) throw new TarError("invalid tar header: NUL in a name");
    if (this.#pax && [...this.#pax.keys()].some((key) => key.startsWith("GNU.sparse."))) throw sparse(name);
    return {
      name,
      type,
      mode: header.mode,
      uid: this.#number("uid") ?? header.uid,
      gid: this.#number("gid") ?? header.gid,
      size,
      mtimeSec: time.sec,
      mtimeNsec: time.nsec,
      ...(type === "symlink" || type === "hardlink" ? { linkname } : undefined),
      ...(type === "char" || type === "block" ? { devMajor: header.devMajor, devMinor: header.devMinor } : undefined),
      ...(xattrs ? { xattrs } : undefined),
    };
  }

  /** A record's value; an empty one says that the header's own field counts. */
  #text(keyword: string): string | undefined {
    const value = this.#pax?.get(keyword);
    return value === undefined || value.length === 0 ? undefined : pathFromBytes(value);
  }

  #number(keyword: string): number | undefined {
    const text = this.#text(keyword);
    return text === undefined ? undefined : parsePaxNumber(text);
  }

  #xattrs(): Readonly<Record<string, Uint8Array>> | undefined {
    if (!this.#pax) return undefined;
    const found = [...this.#pax].filter(([key]) => key.startsWith(xattrPrefix) && key.length > xattrPrefix.length);
    if (found.length === 0) return undefined;
    const named = found.map(([key, value]) => [key.slice(xattrPrefix.length), new Uint8Array(value)] as const);
    return Object.fromEntries(named.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

function typeOf(typeflag: string, name: string): TarEntryType {
  switch (typeflag) {
    case "\0": // before POSIX directories were files whose name ends in a slash
      return name.endsWith("/") ? "dir" : "file";
    case "0":
    case "7":
      return "file";
    case "1":
      return "hardlink";
    case "2":
      return "symlink";
    case "3":
      return "char";
    case "4":
      return "block";
    case "5":
      return "dir";
    case "6":
      return "fifo";
    case "S":
      throw sparse(name);
    default:
      throw new TarError(`unhandled tar header type ${JSON.stringify(typeflag)} of ${JSON.stringify(name)}`);
  }
}

function sparse(name: string): TarError {
  return new TarError(
    `${JSON.stringify(name)} is stored as a sparse file, which is not supported: pack it without --sparse`,
  );
}

function untilNul(data: Uint8Array): string {
  const end = data.indexOf(0);
  return pathFromBytes(end < 0 ? data : data.subarray(0, end));
}
