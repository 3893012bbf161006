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
}
