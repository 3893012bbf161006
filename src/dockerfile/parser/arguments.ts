import { goQuote } from "../../base/text/go-values/mod.ts";
import type { KeyValueWord, Word } from "./ast.ts";
import type { LogicalLine } from "./logical-line.ts";
import { isBlank } from "../blanks.ts";
import { skipBlanks } from "./split-command.ts";

/** Part of a logical line. */
export interface Span {
  readonly line: LogicalLine;
  readonly start: number;
  readonly end: number;
}

export const spanText = ({ line, start, end }: Span): string => line.text.slice(start, end);

/** Blank-separated words; quotes mean nothing here. */
export function plainWords({ line, start, end }: Span): readonly Word[] {
  const words: Word[] = [];
  for (const match of line.text.slice(start, end).matchAll(/[^\t\v\f\r ]+/g)) {
    words.push(line.word(start + match.index, start + match.index + match[0].length));
  }
  return words;
}

/** The whole text as one word; none when it is empty. */
export function wholeText({ line, start, end }: Span): readonly Word[] {
  return end > start ? [line.word(start, end)] : [];
}

/**
 * The strings of a JSON array.
 * @returns `undefined` when the text is no JSON array: then it is meant for a shell
 * @throws {Error} when it is one, but not of strings only
 */
export function jsonStrings({ line, start, end }: Span): readonly Word[] | undefined {
  const text = line.text.slice(start, end);
  if (!text.startsWith("[")) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || !parsed.every((item): item is string => typeof item === "string")) {
    throw new Error("when using JSON array syntax, arrays must be comprised of strings only");
  }
  const places = [...text.matchAll(/"(?:[^"\\]|\\.)*"/g)];
  return parsed.map((item, at) => {
    const place = places[at];
    return place
      ? line.word(start + place.index, start + place.index + place[0].length, item)
      : line.word(start, end, item);
  });
}

/** Words as a shell would cut them, quotes and escapes kept: expansion takes them away later. */
export function quotedWords({ line, start, end }: Span, escape: string): readonly Word[] {
  const { text } = line;
  const words: Word[] = [];
  let at = skipBlanks(text, start);
  while (at < end) {
    const from = at;
    let said = "";
    let quote: string | undefined;
    for (; at < end; at++) {
      const char = text[at] as string;
      if (quote === undefined && isBlank(char)) break;
      if (char === escape && quote !== "'") {
        if (at + 1 >= end) continue; // an escape that escapes nothing vanishes
        said += char + (text[++at] as string);
        continue;
      }
      if (char === quote) quote = undefined;
      else if (quote === undefined && (char === "'" || char === '"')) quote = char;
      said += char;
    }
    if (said !== "") words.push(line.word(from, at, said));
    at = skipBlanks(text, at);
  }
  return words;
}

/**
 * `KEY=value …`, or one `KEY value` (recognised by its first word having no `=`).
 * @throws {Error} with BuildKit's words
 */
export function keyValues(span: Span, escape: string, instruction: string): readonly KeyValueWord[] {
  const { line, start, end } = span;
  const words = quotedWords(span, escape);
  const [first] = words;
  if (!first) return [];
  if (!first.text.includes("=")) {
    const gap = /[\t\v\f\r ]+/.exec(line.text.slice(start, end));
    if (!gap) throw new Error(`${instruction} must have two arguments`);
    const keyEnd = start + gap.index;
    return [{ key: line.word(start, keyEnd), value: line.word(keyEnd + gap[0].length, end), legacy: true }];
  }
  return words.map((word) => {
    const at = word.text.indexOf("=");
    if (at < 0)
      throw new Error(`Syntax error - can't find = in ${goQuote(word.text)}. Must be of the form: name=value`);
    return {
      key: { text: word.text.slice(0, at), start: word.start, end: word.end },
      value: { text: word.text.slice(at + 1), start: word.start, end: word.end },
      legacy: false,
    };
  });
}
