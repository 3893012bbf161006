/**
 * Text from outside made safe for a terminal: what could move the cursor, set titles or talk back is taken out; letters, tabs and (with
 * `colors`) the colours stay.
 */
export function safeText(text: string, options: { colors?: boolean } = {}): string {
  return text.replaceAll(escapes, (match) => (options.colors && /^\x1b\[[0-9;:]*m$/.test(match) ? match : ""));
}

// operating system commands and the like with their text; control sequences; two-letter escapes; control characters but the tab
const escapes =
  /\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0a-\x1f\x7f-\x9f]|[\u202a-\u202e\u2066-\u2069]/g;

/** How many columns a text takes. Good for what names and logs hold: combining marks count 0, East Asian wide letters and emoji 2. */
export function textWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** The longest beginning of `text` that fits into `width` columns. */
export function cutToWidth(text: string, width: number): string {
  let used = 0;
  let end = 0;
  for (const char of text) {
    used += charWidth(char);
    if (used > width) return text.slice(0, end);
    end += char.length;
  }
  return text;
}

function charWidth(char: string): number {
  if (/^\p{Mark}$/u.test(char) || char === "\u200d" || char === "\u200b") return 0;
  const code = char.codePointAt(0) ?? 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}
