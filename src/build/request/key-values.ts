import { BuildError } from "../../base/errors/mod.ts";

/**
 * `K=V` texts as a map. A key alone is looked up by `lookup`, and dropped when that knows nothing of it.
 * @throws {BuildError} `invalid key-value pair "=x": empty key`
 */
export function keyValues(
  texts: readonly string[],
  lookup: (key: string) => string | undefined,
): Readonly<Record<string, string>> {
  const map: Record<string, string> = {};
  for (const text of texts) {
    const equals = text.indexOf("=");
    const key = equals < 0 ? text : text.slice(0, equals);
    if (key === "")
      throw new BuildError("invalid_argument", `invalid key-value pair ${JSON.stringify(text)}: empty key`);
    const value = equals < 0 ? lookup(key) : text.slice(equals + 1);
    if (value !== undefined) map[key] = value;
  }
  return map;
}
