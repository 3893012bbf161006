import { LineSplitter } from "./line-splitter.ts";

/** Longest line that is kept for the block that tells of a failure. */
const maxLineBytes = 16 * 1024;

/** The last lines that a step wrote, each with the time of its beginning, for the block that tells of a failure. */
export class LogTail {
  readonly #limit: number;
  readonly #splitter = new LineSplitter();
  readonly #lines: { prefix: string; chunks: Uint8Array[]; bytes: number }[] = [];
  constructor(limit: number) {
    this.#limit = limit;
  }
  /** @param prefix stands before each line that begins in this chunk */
  add(chunk: Uint8Array, prefix: string): void {
    for (const piece of this.#splitter.split(chunk)) {
      const last = this.#lines.at(-1);
      if (piece.continues && last) {
        if (last.bytes < maxLineBytes) last.chunks.push(piece.bytes.subarray(0, maxLineBytes - last.bytes));
        last.bytes += piece.bytes.length;
        continue;
      }
      this.#lines.push({ prefix, chunks: [piece.bytes.subarray(0, maxLineBytes)], bytes: piece.bytes.length });
      if (this.#lines.length > this.#limit) this.#lines.shift();
    }
  }
  /** Oldest first: prefix, a space, the line. */
  lines(): string[] {
    return this.#lines.map(({ prefix, chunks }) => `${prefix} ${Buffer.concat(chunks).toString("utf8")}`);
  }
}
