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
    this.text = new TextDecoder().decode(bytes);
    this.lines = this.text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
    if (options.anyLength) return;
    for (const [at, line] of this.lines.entries()) {
      // A UTF-16 unit takes at most three bytes of UTF-8: short lines need no counting.
      if (line.length * 3 <= maxLineBytes || Buffer.byteLength(line) - (line.endsWith("\n") ? 1 : 0) <= maxLineBytes)
        continue;
      throw dockerfileError(
        `dockerfile line greater than max allowed size of ${maxLineBytes}`,
        this.range(at + 1, at + 1),
      );
    }
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
