/** What Go's encoder writes in another way than JavaScript's: what HTML could stumble over, and two separators of lines. */
const unsafe = /[<>&\u2028\u2029]/;
const eachUnsafe = new RegExp(unsafe, "g");

/** JSON as Go's encoding/json writes it: what HTML would mind is escaped. */
export function goJson(value: unknown): string {
  return escapedJson(JSON.stringify(value));
}

/** JSON, or strings of it, with what HTML would mind escaped. */
export function escapedJson(text: string): string {
  if (!unsafe.test(text)) return text;
  return text.replaceAll(eachUnsafe, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
