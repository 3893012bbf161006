/** A place in a source text. `line` counts from 1, `character` from 0 (as BuildKit's `pb.Position`). */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** A range of a named source text; `end` is the last position that belongs to it. */
export interface SourceRange {
  /** Name that people know the text by, for instance `Dockerfile`. */
  readonly filename: string;
  readonly start: Position;
  readonly end: Position;
  /** The whole text, so that an excerpt can be shown wherever the error ends up. */
  readonly text?: string;
  /** What the text is written in, for instance `Dockerfile`. */
  readonly language?: string;
  /** The graph that the text was read from, as JSON. */
  readonly definition?: object;
}

/** The first of these ranges, with those that go on with it in the next lines of the same text. */
export function joinLines(ranges: readonly SourceRange[]): SourceRange | undefined {
  let [joined] = ranges;
  for (const range of ranges.slice(1)) {
    if (!joined || !isSameText(joined, range)) break;
    if (range.start.line !== joined.end.line && range.start.line !== joined.end.line + 1) break;
    joined = { ...joined, end: range.end };
  }
  return joined;
}

/** Whether two ranges are of the same text. */
export function isSameText(a: SourceRange, b: SourceRange): boolean {
  return a.filename === b.filename && a.text === b.text;
}
