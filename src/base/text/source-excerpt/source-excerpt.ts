/** A piece of a source text that an error points at. Lines count from 1. */
export interface SourceMark {
  readonly filename: string;
  readonly text: string;
  readonly ranges: readonly { readonly first: number; readonly last: number }[];
}

const frame = "-".repeat(20);

/**
 * The lines around what a failure points at, marked by `>>>`, in BuildKit's layout: two more lines on each side of a single line, one on
 * each side of several. Empty when the marks do not fit the text.
 */
export function renderExcerpt(mark: SourceMark): string {
  const lines = linesOf(mark.text);
  const firstMarked = Math.min(...mark.ranges.map((range) => range.first));
  const lastMarked = Math.min(lines.length, Math.max(...mark.ranges.map((range) => range.last)));
  if (mark.ranges.length === 0 || firstMarked < 1 || firstMarked > lines.length) return "";
  const { first, last } = widen(firstMarked, lastMarked, lines.length);
  const shown: string[] = [`${mark.filename}:${firstMarked}`, frame];
  for (let number = first; number <= last; number++) {
    const marked = mark.ranges.some((range) => number >= range.first && number <= range.last);
    shown.push(
      ` ${String(number).padStart(3)} | ${marked ? ">>>" : "   "} ${(lines[number - 1] ?? "").replace(/\r$/, "")}`,
    );
  }
  shown.push(frame, "");
  return shown.join("\n");
}

/** The text that was looked at last: often, many marks are in the same one. */
let last: { readonly text: string; readonly lines: readonly string[] } = { text: "", lines: [""] };

function linesOf(text: string): readonly string[] {
  if (last.text !== text) last = { text, lines: text.split("\n") };
  return last.lines;
}

function widen(first: number, last: number, count: number): { first: number; last: number } {
  const wanted = first === last ? 4 : 2;
  for (let added = 0; added < wanted; added++) {
    if (first > 1) {
      first--;
      added++;
    }
    if (last < count) {
      last++;
      added++;
    }
  }
  return { first, last };
}
