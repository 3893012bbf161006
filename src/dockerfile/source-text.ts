import { BuildError, type SourceRange } from "../base/errors/mod.ts";

/** The longest line accepted, in bytes without its line break. */
export const maxLineBytes = 65_535;

/** A Dockerfile as a text with numbered lines. */
export class SourceText {
  /** Name that people know it by, for instance `Dockerfile`. */
  readonly filename: string;
  /** Exactly as read. */
  readonly bytes: Uint8Array;
  /** As text, without a byte order mark. */
  readonly text: string;
  /** Every line with its line break. */
  readonly lines: readonly string[];

  /** @throws {BuildError} when a line is longer than {@link maxLineBytes}, unless `anyLength` */
  constructor(bytes: Uint8Array, filename: string, options: { anyLength?: boolean } = {}) {
    this.filename = filename;
    this.bytes = bytes;
    const long = options.anyLength ? undefined : longLine(bytes);
    // A text that is refused for its length is not worth the memory that it would take.
    this.text = new TextDecoder().decode(long ? bytes.subarray(0, long.start) : bytes);
    this.lines = this.text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
    if (!long) return;
    throw dockerfileError(
      `dockerfile line greater than max allowed size of ${maxLineBytes}`,
      this.range(this.lines.length + 1, this.lines.length + 1),
    );
  }

  /** Whole lines, counted from 1, both included. */
  range(startLine: number, endLine: number): SourceRange {
    return {
      filename: this.filename,
      start: { line: startLine, character: 0 },
      end: { line: endLine, character: 0 },
      text: this.text,
    };
  }
}

/** The first line that is longer than {@link maxLineBytes}. */
function longLine(bytes: Uint8Array): { readonly start: number } | undefined {
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(0x0a, start);
    const end = found < 0 ? bytes.length : found;
    if (end - start > maxLineBytes) return { start };
    start = end + 1;
  }
  return undefined;
}

/**
 * A mistake in a Dockerfile.
 *
 * The code is `unknown`, as BuildKit's is: clients print any other code in front of the words that people search for.
 */
export function dockerfileError(message: string, location?: SourceRange, cause?: unknown): BuildError {
  return new BuildError("unknown", message, { location, ...(cause === undefined ? {} : { cause }) });
}

/** A mistake found while understanding instructions: BuildKit says the line there, and only there. */
export function parseError(line: number, message: string, location: SourceRange): BuildError {
  return dockerfileError(`dockerfile parse error on line ${line}: ${message}`, location);
}

/** Something that Polyarch does not do yet: refused rather than ignored. The message names file and line. */
export function notSupportedYet(what: string, location: SourceRange): BuildError {
  return new BuildError("unimplemented", `${location.filename}:${location.start.line}: ${what} is not supported yet`, {
    location,
  });
}
