/** One piece of a template: text between actions, or the tokens of an action. */
export type Piece = { readonly text: string } | { readonly tokens: readonly string[] };

/** Cuts a template into text and actions; `{{-` and `-}}` take the white space beside them away, comments vanish. */
export function cutTemplate(source: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  const pushText = (text: string, trimEnd: boolean) => {
    let kept = trimNext ? text.trimStart() : text;
    if (trimEnd) kept = kept.trimEnd();
    if (kept !== "") pieces.push({ text: kept });
  };
  for (;;) {
    const open = source.indexOf("{{", at);
    if (open < 0) {
      pushText(source.slice(at), false);
      return pieces;
    }
    const trimsLeft = /^-\s/.test(source.slice(open + 2, open + 4));
    pushText(source.slice(at, open), trimsLeft);
    const { tokens, end, trimsRight } = action(source, open + (trimsLeft ? 3 : 2));
    if (tokens.length > 0) pieces.push({ tokens });
    trimNext = trimsRight;
    at = end;
  }
}

const tokenPattern =
  /\s+|"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\]|\\.)'|:=|[-+]?\d+(?:\.\d+)?|\$[A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*|(?:\.[A-Za-z_][A-Za-z0-9_]*)+|\.|[A-Za-z_][A-Za-z0-9_]*|[|(),=]/y;

function action(source: string, start: number): { tokens: string[]; end: number; trimsRight: boolean } {
  const comment = /\s*\/\*[\s\S]*?\*\/\s*(-?)\}\}/y;
  comment.lastIndex = start;
  const commented = comment.exec(source);
  if (commented) return { tokens: [], end: comment.lastIndex, trimsRight: commented[1] === "-" };
  const tokens: string[] = [];
  let at = start;
  for (;;) {
    const closes = source.startsWith("}}", at) || /^\s-\}\}/.test(source.slice(at, at + 4));
    if (closes && tokens.length === 0) throw templateError("missing value for command");
    if (source.startsWith("}}", at)) return { tokens, end: at + 2, trimsRight: false };
    if (closes) return { tokens, end: at + 4, trimsRight: true };
    tokenPattern.lastIndex = at;
    const match = tokenPattern.exec(source);
    if (!match)
      throw templateError(
        at >= source.length ? "unclosed action" : `unexpected ${JSON.stringify(source[at])} in operand`,
      );
    // A field that stands right behind a parenthesis belongs to it, and is told apart by what the parser sees before it.
    if (match[0].trim() !== "") tokens.push(match[0]);
    else if (tokens.at(-1) === ")") tokens.push(" ");
    at = tokenPattern.lastIndex;
  }
}

/** A template that cannot be understood, or does not fit its data; Go's form. */
export function templateError(what: string): Error {
  return new Error(`template: :1: ${what}`);
}
