import type { FileReader, ScannedFile } from "./catalog.ts";

/**
 * All of a file as text; what is no UTF-8 is replaced.
 * @throws {Error} when it has more than `maxBytes`
 */
export async function wholeText(file: ScannedFile, reader: FileReader, maxBytes: number): Promise<string> {
  if (file.sizeBytes > maxBytes)
    throw new Error(`it has ${file.sizeBytes} bytes, and no more than ${maxBytes} are read`);
  return new TextDecoder().decode(await reader.read(0, file.sizeBytes));
}

/** The names and values of a paragraph, names in lower case: `Name: value`, and lines that begin with a space going on. */
export function headerFields(lines: Iterable<string>): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let last: string | undefined;
  for (const line of lines) {
    if (/^[ \t]/.test(line)) {
      if (last !== undefined) fields.set(last, `${fields.get(last) ?? ""}\n${line.trim()}`);
      continue;
    }
    const at = line.indexOf(":");
    if (at <= 0) continue;
    last = line.slice(0, at).toLowerCase();
    // The first counts where a name comes more than once.
    if (fields.has(last)) last = undefined;
    else fields.set(last, line.slice(at + 1).trim());
  }
  return fields;
}
