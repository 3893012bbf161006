import type { FileReader } from "../catalog.ts";

/** Far more than any row has here. */
const maxRowBytes = 64 * 1024 * 1024;

/**
 * The rows of one table of an SQLite database, as it lies in its file: what is in a journal beside it does not count. Holds one row and the pages
 * that lead to it. (It is read here, and not by SQLite, since whoever made the tree may have made it to harm who reads it.)
 * @throws {Error} when the file is no such database, or broken
 * @see https://www.sqlite.org/fileformat2.html
 */
export async function* tableRows(reader: FileReader, table: string): AsyncGenerator<readonly SqliteValue[]> {
  const pages = await Pages.open(reader);
  for await (const [type, name, , root] of pages.rows(1)) {
    if (type !== "table" || name !== table || typeof root !== "number") continue;
    yield* pages.rows(root);
    return;
  }
}

/** Numbers beyond 2^53 lose precision. */
export type SqliteValue = null | number | string | Buffer;

class Pages {
  readonly #reader: FileReader;
  readonly #pageBytes: number;
  /** Bytes of a page that hold something. */
  readonly #usableBytes: number;

  private constructor(reader: FileReader, pageBytes: number, usableBytes: number) {
    this.#reader = reader;
    this.#pageBytes = pageBytes;
    this.#usableBytes = usableBytes;
  }

  static async open(reader: FileReader): Promise<Pages> {
    const header = Buffer.from(await reader.read(0, 100));
    if (header.length < 100 || header.toString("latin1", 0, 16) !== "SQLite format 3\0") {
      throw new Error("it is no SQLite database");
    }
    const size = header.readUInt16BE(16);
    const pageBytes = size === 1 ? 65536 : size;
    const usableBytes = pageBytes - (header[20] ?? 0);
    if (pageBytes < 512 || usableBytes < 480) throw broken();
    return new Pages(reader, pageBytes, usableBytes);
  }

  /** Rows of the tree that begins at page `root`. */
  async *rows(root: number): AsyncGenerator<readonly SqliteValue[]> {
    const seen = new Set<number>();
    const open = [root];
    for (let number = open.pop(); number !== undefined; number = open.pop()) {
      if (seen.has(number)) throw broken();
      seen.add(number);
      const page = await this.#page(number);
      const at = number === 1 ? 100 : 0;
      const cells = page.readUInt16BE(at + 3);
      const isLeaf = page[at] === 13;
      if (!isLeaf && page[at] !== 5) throw broken();
      const pointers = at + (isLeaf ? 8 : 12);
      if (pointers + cells * 2 > page.length) throw broken();
      const places = Array.from({ length: cells }, (_, index) => page.readUInt16BE(pointers + index * 2));
      if (isLeaf) {
        for (const place of places) yield decodeRow(await this.#payload(page, place));
        continue;
      }
      const children = places.map((place) => readUInt32(page, place));
      open.push(page.readUInt32BE(at + 8), ...children.toReversed());
    }
  }

  async #page(number: number): Promise<Buffer> {
    if (number < 1) throw broken();
    const page = Buffer.from(await this.#reader.read((number - 1) * this.#pageBytes, this.#pageBytes));
    if (page.length < this.#pageBytes) throw broken();
    return page;
  }

  /** The bytes of the row at `place`: what does not fit into its page is in a chain of others. */
  async #payload(page: Buffer, place: number): Promise<Buffer> {
    const [length, afterLength] = varint(page, place);
    const [, start] = varint(page, afterLength);
    if (length > maxRowBytes) throw new Error(`a row has ${length} bytes`);
    const usable = this.#usableBytes;
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const wanted = least + ((length - least) % (usable - 4));
    const local = length <= usable - 35 ? length : wanted <= usable - 35 ? wanted : least;
    if (start + local > page.length) throw broken();
    const parts = [page.subarray(start, start + local)];
    let rest = length - local;
    for (let next = rest > 0 ? readUInt32(page, start + local) : 0; rest > 0; ) {
      const overflow = await this.#page(next);
      const part = overflow.subarray(4, 4 + Math.min(rest, usable - 4));
      parts.push(part);
      rest -= part.length;
      next = overflow.readUInt32BE(0);
    }
    return Buffer.concat(parts);
  }
}

function decodeRow(row: Buffer): readonly SqliteValue[] {
  const [headerBytes, first] = varint(row, 0);
  const values: SqliteValue[] = [];
  let body = headerBytes;
  for (let at = first; at < headerBytes; ) {
    const [type, next] = varint(row, at);
    at = next;
    const size = sizeOf(type);
    if (body + size > row.length) throw broken();
    values.push(decodeValue(type, row.subarray(body, body + size)));
    body += size;
  }
  return values;
}

function sizeOf(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2);
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0][type] ?? 0;
}

function decodeValue(type: number, bytes: Buffer): SqliteValue {
  if (type >= 12) return type % 2 === 0 ? bytes : bytes.toString();
  if (type === 7) return bytes.readDoubleBE(0);
  if (type === 8) return 0;
  if (type === 9) return 1;
  if (bytes.length === 8) return Number(bytes.readBigInt64BE(0));
  return bytes.length > 0 ? bytes.readIntBE(0, bytes.length) : null;
}

/** A number of up to nine bytes, and where it ends. */
function varint(bytes: Buffer, start: number): [number, number] {
  let value = 0;
  for (let at = start; at < start + 8; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw broken();
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return [value, at + 1];
  }
  return [value * 256 + (bytes[start + 8] ?? 0), start + 9];
}

function readUInt32(bytes: Buffer, at: number): number {
  if (at + 4 > bytes.length) throw broken();
  return bytes.readUInt32BE(at);
}

const broken = () => new Error("the SQLite database is malformed");
