import { expand } from "../shell/mod.ts";
import type { Heredoc } from "./ast.ts";

/** A heredoc whose content has not been read yet. */
export type HeredocMark = Omit<Heredoc, "content">;

/** What a word such as `<<EOF`, `3<<-"EOF"` announces; `undefined` for any other word. */
export function parseHeredocMark(word: string): HeredocMark | undefined {
  const match = /^(\d*)<<(-?)\s*([^<]*)$/.exec(word);
  if (!match || match[3] === "") return undefined;
  const [, descriptor = "", dash = "", rest = ""] = match;
  let plain: readonly string[];
  let raw: readonly string[];
  try {
    plain = expand(rest, { keepUnset: true }).words;
    raw = expand(rest, { keepUnset: true, rawQuotes: true }).words;
  } catch {
    return undefined;
  }
  const [name] = plain;
  if (name === undefined || plain.length !== 1 || raw.length !== 1) return undefined;
  // Where taking quotes away makes a difference, a part of the word was quoted.
  return {
    name,
    fileDescriptor: Number(descriptor),
    chomp: dash === "-",
    expand: raw[0] === name || countQuotes(raw[0] ?? "") === countQuotes(name),
  };
}

const countQuotes = (text: string) => text.split(/['"]/).length;

/** All heredocs that a line announces, in the order of their contents. */
export function heredocMarks(line: string): readonly HeredocMark[] {
  let words: readonly string[];
  try {
    words = expand(line, { keepUnset: true, rawQuotes: true, rawEscapes: true }).words;
  } catch {
    return []; // not for us to judge: a shell will read it
  }
  return words.map(parseHeredocMark).filter((mark) => mark !== undefined);
}

/** Content without the tabs at the start of each line. */
export function chompTabs(content: string): string {
  return content.replace(/^\t+/gm, "");
}
