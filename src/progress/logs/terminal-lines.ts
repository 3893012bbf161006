import { StringDecoder } from "node:string_decoder";
import { cutToWidth, safeText, textWidth } from "../format/safe-text.ts";

/**
 * The last few lines that a program wrote, as a small terminal would show them: `\r` writes over the line, long lines wrap, and what else
 * moves the cursor is passed over. Holds no more than the lines shown.
 */
export class TerminalLines {
  readonly #height: number;
  readonly #decoder = new StringDecoder("utf8");
  #lines: string[] = [];
  #current = "";
  #overwrite = false;
  /** Bytes written in all. */
  bytes = 0;
  constructor(height: number) {
    this.#height = height;
  }
  write(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    const text = this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    for (const part of text.split(/(\r?\n|\r)/)) {
      if (part === "\r") this.#overwrite = true;
      else if (part === "\n" || part === "\r\n") this.#newLine();
      else if (part !== "") this.#append(part);
    }
  }
  /** What is on the terminal, wrapped to `width` columns, empty lines left out; at most `height` lines. */
  content(width: number): string[] {
    const wrapped = [...this.#lines, this.#current]
      .map((line) => safeText(line.replaceAll("\t", "        ")))
      .flatMap((line) => wrap(line, width));
    return wrapped.filter((line) => line.trim() !== "").slice(-this.#height);
  }
  #append(text: string): void {
    if (this.#overwrite) this.#current = "";
    this.#overwrite = false;
    this.#current = (this.#current + text).slice(-4096);
  }
  #newLine(): void {
    this.#overwrite = false;
    this.#lines.push(this.#current);
    this.#current = "";
    if (this.#lines.length > this.#height * 2) this.#lines = this.#lines.slice(-this.#height);
  }
}

function wrap(line: string, width: number): string[] {
  const rows: string[] = [];
  let rest = line;
  while (textWidth(rest) > width) {
    const row = cutToWidth(rest, width);
    if (row === "") break;
    rows.push(row);
    rest = rest.slice(row.length);
  }
  return [...rows, rest];
}
