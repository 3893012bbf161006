/**
 * The order of filesync and of every {@link LayerToc}: UTF-8 byte by byte with `/` lowest, so that a directory comes directly before
 * everything below it (`a`, `a/b`, `a-b`).
 */
export function comparePaths(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x === y) continue;
    if (x === slash) return -1;
    if (y === slash) return 1;
    return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

/** The parent directory of a clean relative path; `""` for what lies in the root. */
export function parentOf(path: string): string {
  const cut = path.lastIndexOf("/");
  return cut < 0 ? "" : path.slice(0, cut);
}

/** The last component of a clean relative path. */
export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** `directory` and `name` as one clean relative path. */
export function joinPath(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

const slash = 0x2f;

/** UTF-16 puts surrogates (code points above U+FFFF) below U+E000…U+FFFF, UTF-8 above them. */
function utf8Rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
