import { BuildError } from "../../../base/errors/mod.ts";
import { parseGoInteger } from "../../../base/text/go-values/mod.ts";
import { safeFileName } from "./file-name.ts";

/** How a file is to lie in its tree, of which it is all there is. */
export interface FileAttributes {
  /** `undefined`: as its source calls it. */
  readonly filename: string | undefined;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Ids that a file system can keep. */
const maxId = 2 ** 32 - 2;

/**
 * Reads the attributes that all sources of single files share.
 * @throws {BuildError} `invalid_argument` naming `identifier` and the attribute
 */
export function readFileAttributes(identifier: string, attrs: Readonly<Record<string, string>>): FileAttributes {
  const number = (name: string, limit: number): number => {
    const text = attrs[name];
    const value = text === undefined ? 0 : parseGoInteger(text);
    if (value !== undefined && value >= 0 && value <= limit) return value;
    throw new BuildError("invalid_argument", `${identifier}: invalid ${name} ${JSON.stringify(text)}`);
  };
  const filename = attrs["http.filename"];
  return {
    filename: filename ? safeFileName(filename) : undefined,
    mode: number("http.perm", 0o7777) & 0o777 || 0o600,
    uid: number("http.uid", maxId),
    gid: number("http.gid", maxId),
  };
}
