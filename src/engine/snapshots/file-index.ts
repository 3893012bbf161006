import type { Digest } from "../../oci/mod.ts";
import type { HashedFile } from "./hash-file.ts";
import { JsonBytes } from "./json-bytes.ts";

/** What tells, without reading a file, that it is still the one that was hashed. */
export interface FileStamp {
  readonly size: bigint;
  readonly ino: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Changes within one tick of the kernel's clock can leave the same times: what is as young as the walk itself proves nothing. */
const clockTickNs = 20_000_000n;

/**
 * Digests of files as of the last walk, so that the next one reads only what changed (as git's index does). A file counts as unchanged when its
 * size, inode and both times to the nanosecond are; and when it was not being changed while the walk went by.
 */
export class FileIndex {
  readonly #takenAtNs: bigint;
  readonly #rows: Map<string, Row>;
  private constructor(takenAtNs: bigint, rows: Map<string, Row>) {
    this.#takenAtNs = takenAtNs;
    this.#rows = rows;
  }

  /** An empty one for a walk that begins now. */
  static begin(): FileIndex {
    return new FileIndex(BigInt(Date.now()) * 1_000_000n, new Map());
  }

  /** The index that {@link encode} wrote; an empty one for bytes that are none. */
  static decode(bytes: Uint8Array): FileIndex {
    try {
      const { version, takenAtNs, rows } = JSON.parse(Buffer.from(bytes).toString()) as Stored;
      if (version === 2) return new FileIndex(BigInt(takenAtNs), new Map(rows.map(([path, ...row]) => [path, row])));
    } catch {
      // A damaged index costs a walk that reads everything, never a wrong result.
    }
    return new FileIndex(0n, new Map());
  }

  /** When the walk began, in nanoseconds since the epoch. */
  get takenAtNs(): bigint {
    return this.#takenAtNs;
  }

  /** What is known of `path`, when `stamp` says that it is the file that was hashed. */
  lookup(path: string, stamp: FileStamp): IndexedFile | undefined {
    const row = this.#rows.get(path);
    if (!row || !isSettled(stamp, this.#takenAtNs)) return undefined;
    return row[0] === stampText(stamp) ? { digest: row[1], plain: row[2] === 1 } : undefined;
  }

  record(path: string, file: FileStamp | HashedFile, { digest, plain }: IndexedFile): void {
    this.#rows.set(path, [stampText(file), digest, plain ? 1 : 0]);
  }

  encode(): Uint8Array<ArrayBuffer> {
    const json = new JsonBytes();
    json.add(`{"version":2,"takenAtNs":"${this.#takenAtNs}","rows":[`);
    let isFirst = true;
    for (const [path, row] of this.#rows) {
      json.add(isFirst ? "" : ",", JSON.stringify([path, ...row]));
      isFirst = false;
    }
    json.add("]}");
    return json.bytes();
  }
}

/** Whether a file was last changed so long before `atNs` that a later change would have given it other times. */
export function isSettled({ mtimeNs, ctimeNs }: Pick<FileStamp, "mtimeNs" | "ctimeNs">, atNs: bigint): boolean {
  return mtimeNs + clockTickNs < atNs && ctimeNs + clockTickNs < atNs;
}

/** What an index tells of a file. */
export interface IndexedFile {
  readonly digest: Digest;
  /** It has no extended attributes (they cannot change without its ctime). */
  readonly plain: boolean;
}

type Row = readonly [stamp: string, digest: Digest, plain: 0 | 1];

interface Stored {
  readonly version: number;
  readonly takenAtNs: string;
  readonly rows: readonly (readonly [path: string, ...Row])[];
}

function stampText({ size, ino, mtimeNs, ctimeNs }: FileStamp | HashedFile): string {
  return `${size} ${ino} ${mtimeNs} ${ctimeNs}`;
}
