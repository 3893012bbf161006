const powers = "kmgtp";

/**
 * Reads a size in bytes as people write it for memory: `64m`, `2GB`, `1.5GiB`, `512`. Units are powers of 1024.
 * @returns `undefined` when `text` is no size
 */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])?i?b?)$/i.exec(text);
  if (!match) return undefined;
  const unit = match[2]?.toLowerCase();
  return Math.trunc(Number(match[1]) * (unit === undefined ? 1 : 1024 ** (powers.indexOf(unit) + 1)));
}
