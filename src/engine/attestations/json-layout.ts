import { escapedJson } from "../../base/text/go-values/mod.ts";

/**
 * JSON without the blanks between its parts, and with what HTML would mind escaped: as Go's encoder passes documents on. Keys, numbers and their order
 * stay as they are, which parsing and writing anew would not promise.
 * @param text valid JSON
 */
export function compactJson(text: string): string {
  return pieces(text, (between) => between.replaceAll(/[ \t\r\n]+/g, ""));
}

/** The same in lines, two blanks per level, as Go's `MarshalIndent` lays it out. @param text valid JSON */
export function indentJson(text: string): string {
  let level = 0;
  let opened = false;
  const line = () => `\n${"  ".repeat(level)}`;
  const layOut = (between: string): string => {
    let out = "";
    for (const letter of between) {
      if (letter === " " || letter === "\t" || letter === "\r" || letter === "\n") continue;
      const closes = letter === "}" || letter === "]";
      if (closes) level--;
      if (opened && !closes) out += line();
      if (closes && !opened) out += line();
      opened = letter === "{" || letter === "[";
      if (opened) level++;
      out += letter;
      if (letter === ",") out += line();
      if (letter === ":") out += " ";
    }
    return out;
  };
  const beforeString = () => {
    const out = opened ? line() : "";
    opened = false;
    return out;
  };
  return pieces(text, layOut, beforeString);
}

/** Goes over what stands between strings and over the strings, each once. */
function pieces(text: string, layOut: (between: string) => string, beforeString: () => string = () => ""): string {
  const out: string[] = [];
  let at = 0;
  for (;;) {
    const quote = text.indexOf('"', at);
    out.push(layOut(text.slice(at, quote < 0 ? text.length : quote)));
    if (quote < 0) return out.join("");
    const end = endOfString(text, quote);
    out.push(beforeString(), escapedJson(text.slice(quote, end)));
    at = end;
  }
}

/** Where the string that begins at `quote` is over. */
function endOfString(text: string, quote: number): number {
  for (let from = quote + 1; ; ) {
    const next = text.indexOf('"', from);
    if (next < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(next - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return next + 1;
    from = next + 1;
  }
}
