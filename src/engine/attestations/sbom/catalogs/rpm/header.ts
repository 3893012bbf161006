/** What is kept of a package, by tag; only texts and numbers. */
export type RpmHeader = ReadonlyMap<number, string | number>;

const [int32, text, texts, localized] = [4, 6, 8, 9];

/**
 * Reads a package's header as databases keep it: counts, an index, and the data that it points into. Of lists the first entry counts.
 * @throws {Error} when it is broken
 * @see https://rpm-software-management.github.io/rpm/manual/format_header.html
 */
export function decodeHeader(blob: Buffer): RpmHeader {
  if (blob.length < 8) throw broken();
  const [entries, dataBytes] = [blob.readUInt32BE(0), blob.readUInt32BE(4)];
  const start = 8 + entries * 16;
  if (start + dataBytes > blob.length) throw broken();
  const data = blob.subarray(start, start + dataBytes);
  const header = new Map<number, string | number>();
  for (let at = 8; at < start; at += 16) {
    const [tag, type, offset] = [blob.readUInt32BE(at), blob.readUInt32BE(at + 4), blob.readUInt32BE(at + 8)];
    if (header.has(tag)) continue;
    if (type === text || type === texts || type === localized) {
      const end = data.indexOf(0, offset);
      if (offset > data.length || end < 0) throw broken();
      header.set(tag, data.toString("utf8", offset, end));
    } else if (type === int32) {
      if (offset + 4 > data.length) throw broken();
      header.set(tag, data.readUInt32BE(offset));
    }
  }
  return header;
}

const broken = () => new Error("the header of a package is malformed");
