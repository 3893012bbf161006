import { BuildError } from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import { JsonBytes } from "./json-bytes.ts";
import type { EntryType, FileContent, LayerToc, TocEntry } from "./toc.ts";

/**
 * Where the bytes of a file are, when the table only says how far into *something* they begin.
 * @param offsetBytes as stored with the table; 0 in the table of a directory
 */
export type ContentLocator = (path: string, offsetBytes: number) => FileContent | undefined;

/**
 * A table of contents as bytes: JSON, one short row per entry, `sha256:` left out. Half a million rows per second each way.
 * @param contents what to keep of {@link TocEntry.content}: only the offset (the reader knows the file), or everything
 */
export function encodeToc(toc: LayerToc, contents: "offsets" | "full" = "offsets"): Uint8Array<ArrayBuffer> {
  const json = new JsonBytes();
  json.add(`{"version":1,"entries":[`);
  for (const [at, entry] of toc.entries.entries())
    json.add(at > 0 ? "," : "", JSON.stringify(encodeRow(entry, contents)));
  json.add(`],"whiteouts":${JSON.stringify(toc.whiteouts)},"opaques":${JSON.stringify(toc.opaques)}}`);
  return json.bytes();
}

/**
 * The table that {@link encodeToc} wrote.
 * @param locate tells where files are that were stored with an offset alone; without it they have no content
 * @throws {BuildError} `data_loss` when the bytes are of another version, or damaged
 */
export function decodeToc(bytes: Uint8Array, locate?: ContentLocator): LayerToc {
  try {
    const document = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as Document;
    if (document.version !== 1) throw new Error(`version ${document.version}`);
    return {
      entries: document.entries.map((row) => decodeRow(row, locate)),
      whiteouts: document.whiteouts,
      opaques: document.opaques,
    };
  } catch (error) {
    throw new BuildError("data_loss", "Cannot read a stored table of contents", { cause: error });
  }
}

interface Document {
  readonly version: number;
  readonly entries: readonly Row[];
  readonly whiteouts: readonly string[];
  readonly opaques: readonly string[];
}

type Row = readonly [
  path: string,
  type: string,
  mode: number,
  uid: number,
  gid: number,
  size: number,
  mtimeSec: number,
  mtimeNsec: number,
  /** Hex of the digest (or all of it when it is no sha256), or target of the symlink. */
  digestOrLinkname: string | 0,
  /** Offset, or file and offset, or bytes (base64). */
  content: number | readonly [string, number] | string | null,
  rest?: Rest,
];

interface Rest {
  readonly hardlink?: string;
  readonly dev?: readonly [number, number];
  readonly xattrs?: Readonly<Record<string, string>>;
}

const letters: Readonly<Record<EntryType, string>> = {
  file: "f",
  dir: "d",
  symlink: "l",
  char: "c",
  block: "b",
  fifo: "p",
  socket: "s",
};
const types = new Map(Object.entries(letters).map(([type, letter]) => [letter, type as EntryType]));
const sha256 = "sha256:";

function encodeRow(entry: TocEntry, contents: "offsets" | "full"): Row {
  const { digest } = entry;
  const shortDigest = digest?.startsWith(sha256) ? digest.slice(sha256.length) : digest;
  const row = [
    entry.path,
    letters[entry.type],
    entry.mode,
    entry.uid,
    entry.gid,
    entry.size,
    entry.mtimeSec,
    entry.mtimeNsec,
    (entry.type === "symlink" ? entry.linkname : shortDigest) ?? 0,
    encodeContent(entry.content, contents),
  ] as const;
  const rest: Rest = {
    ...(entry.hardlink === undefined ? undefined : { hardlink: entry.hardlink }),
    ...(entry.devMajor === undefined ? undefined : { dev: [entry.devMajor, entry.devMinor ?? 0] }),
    ...(entry.xattrs && { xattrs: mapValues(entry.xattrs, (value) => Buffer.from(value).toString("base64")) }),
  };
  return Object.keys(rest).length === 0 ? row : [...row, rest];
}

function decodeRow(row: Row, locate: ContentLocator | undefined): TocEntry {
  const [path, letter, mode, uid, gid, size, mtimeSec, mtimeNsec, digestOrLinkname, stored, rest] = row;
  const type = types.get(letter);
  if (type === undefined || typeof path !== "string") throw new Error(`row ${JSON.stringify(row)}`);
  const entry: { -readonly [K in keyof TocEntry]: TocEntry[K] } = {
    path,
    type,
    mode,
    uid,
    gid,
    size,
    mtimeSec,
    mtimeNsec,
  };
  if (type === "symlink") entry.linkname = String(digestOrLinkname);
  else if (digestOrLinkname !== 0) {
    entry.digest = (digestOrLinkname.includes(":") ? digestOrLinkname : sha256 + digestOrLinkname) as Digest;
  }
  const content = type === "file" ? decodeContent(path, stored, locate) : undefined;
  if (content) entry.content = content;
  if (rest?.hardlink !== undefined) entry.hardlink = rest.hardlink;
  if (rest?.dev) [entry.devMajor, entry.devMinor] = rest.dev;
  if (rest?.xattrs) entry.xattrs = mapValues(rest.xattrs, (value) => new Uint8Array(Buffer.from(value, "base64")));
  return entry;
}

function encodeContent(content: FileContent | undefined, contents: "offsets" | "full"): Row[9] {
  if (!content) return null;
  if (content.kind === "bytes") return contents === "full" ? Buffer.from(content.data).toString("base64") : null;
  return contents === "full" ? [content.file, content.offsetBytes] : content.offsetBytes;
}

function decodeContent(path: string, stored: Row[9], locate: ContentLocator | undefined): FileContent | undefined {
  if (stored === null) return undefined;
  if (typeof stored === "number") return locate?.(path, stored);
  if (typeof stored === "string") return { kind: "bytes", data: new Uint8Array(Buffer.from(stored, "base64")) };
  return { kind: "range", file: stored[0], offsetBytes: stored[1] };
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
