import type { Position } from "../../base/errors/mod.ts";
import type { Word } from "./ast.ts";

/** Several lines joined by continuations into one text that still knows where each character stood. */
export class LogicalLine {
  readonly text: string;
  /** Sorted by `offset`: from there on the text stands at `line`, `character` and right of it. */
  readonly #pieces: readonly { readonly offset: number; readonly line: number; readonly character: number }[];

  constructor(pieces: readonly { readonly text: string; readonly line: number; readonly character: number }[]) {
    let offset = 0;
    this.#pieces = pieces.map(({ text, line, character }) => {
      const piece = { offset, line, character };
      offset += text.length;
      return piece;
    });
    this.text = pieces.map((piece) => piece.text).join("");
  }

  positionAt(offset: number): Position {
    let low = 0;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#pieces[middle]?.offset ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const piece = this.#pieces[low];
    if (!piece) return { line: 1, character: 0 };
    return { line: piece.line, character: piece.character + offset - piece.offset };
  }

  /** A word that stands from `start` to `end` (excluded); says `text`, by default exactly what stands there. */
  word(start: number, end: number, text: string = this.text.slice(start, end)): Word {
    // The end is that of the last character: behind it a continuation may follow.
    const last = this.positionAt(Math.max(start, end - 1));
    const behind = end > start ? { line: last.line, character: last.character + 1 } : last;
    return { text, start: this.positionAt(start), end: behind };
  }
}

/** A line without the escape character that continues it; `undefined` when it does not continue. An escaped one does not count. */
export function withoutContinuation(line: string, escape: string): string | undefined {
  let end = line.length;
  while (line[end - 1] === " " || line[end - 1] === "\t") end--; // a regular expression would take quadratic time
  if (line[end - 1] !== escape || line[end - 2] === escape) return undefined;
  return line.slice(0, end - 1);
}
