import { safeText, textWidth } from "../format/safe-text.ts";

/**
 * Redraws a block of lines in place. A frame goes out in one write, each line overwriting the one before it and clearing only the rest of
 * the row, so nothing blinks; the block may grow and shrink, and the window may change its width in between.
 */
export class Screen {
  readonly #write: (text: string) => void;
  #widths: number[] = [];
  constructor(write: (text: string) => void) {
    this.#write = write;
  }
  draw(lines: readonly string[], columns: number): void {
    // A narrower window has wrapped the lines that are there, so they take more rows than lines.
    const rows = this.#widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    const up = rows > 0 ? `\x1b[${rows}A` : "";
    const body = lines.map((line) => `${line}\x1b[K\n`).join("");
    this.#write(`\x1b[?25l${up}\r${body}\x1b[J\x1b[?25h`);
    this.#widths = lines.map((line) => textWidth(safeText(line)));
  }
}
