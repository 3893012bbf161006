import { isBlank, trimBlanksEnd } from "../blanks.ts";
import type { Word } from "./ast.ts";
import type { LogicalLine } from "./logical-line.ts";

/** A logical line cut into its three parts. */
export interface SplitCommand {
  readonly keyword: Word;
  readonly flags: readonly Word[];
  /** The rest without blanks around it: from `argsStart` to `argsEnd` of the line's text. */
  readonly argsStart: number;
  readonly argsEnd: number;
}

/** @param from where in the line the instruction starts (behind `ONBUILD`, for instance) */
export function splitCommand(line: LogicalLine, from: number, escape: string): SplitCommand {
  const { text } = line;
  const start = skipBlanks(text, from);
  let end = start;
  while (end < text.length && !endsKeyword(text[end])) end++;
  const { flags, end: flagsEnd } = readFlags(line, end, escape);
  const argsStart = skipBlanks(text, flagsEnd);
  return { keyword: line.word(start, end), flags, argsStart, argsEnd: Math.max(argsStart, trimBlanksEnd(text).length) };
}

/** What ends a keyword: fewer blanks than elsewhere. */
const endsKeyword = (char: string | undefined) => char !== undefined && /^[\t\v\f\r ]$/.test(char);

export function skipBlanks(text: string, from: number): number {
  let at = from;
  while (isBlank(text[at])) at++;
  return at;
}

/** Words that start with `--`; one that is nothing else ends them. Quotes and escapes are taken away. */
function readFlags(line: LogicalLine, from: number, escape: string): { flags: readonly Word[]; end: number } {
  const { text } = line;
  const flags: Word[] = [];
  let at = skipBlanks(text, from);
  while (text.startsWith("--", at)) {
    const start = at;
    let said = "";
    let quote: string | undefined;
    for (; at < text.length; at++) {
      const char = text[at] as string;
      if (quote === undefined && isBlank(char)) break;
      if (char === quote) quote = undefined;
      else if (quote === undefined && (char === "'" || char === '"')) quote = char;
      else if (char !== escape) said += char;
      else if (at + 1 < text.length) said += text[++at];
    }
    if (said === "--") return { flags, end: at };
    flags.push(line.word(start, at, said));
    at = skipBlanks(text, at);
  }
  return { flags, end: at };
}
