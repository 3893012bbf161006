const blank = /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

/** Whether Go takes this character for white space. JavaScript's idea differs: it has the byte order mark, and has not U+0085. */
export const isBlank = (char: string | undefined): boolean => char !== undefined && blank.test(char);

/** Without blanks at the start. */
export function trimBlanksStart(text: string): string {
  let at = 0;
  while (isBlank(text[at])) at++;
  return text.slice(at);
}

/** Without blanks at the end. */
export function trimBlanksEnd(text: string): string {
  let end = text.length;
  while (isBlank(text[end - 1])) end--;
  return text.slice(0, end);
}

/** Without blanks at both ends. */
export const trimBlanks = (text: string): string => trimBlanksEnd(trimBlanksStart(text));
