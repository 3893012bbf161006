import { BuildError } from "../../base/errors/mod.ts";

/** A block of ASCII armor. */
export interface ArmorBlock {
  /** `PGP PUBLIC KEY BLOCK`, `PGP SIGNATURE`, … */
  readonly type: string;
  readonly body: Uint8Array;
}

const blockPattern = /^-----BEGIN (PGP [A-Z ,0-9/]+)-----[ \t]*\r?\n((?:[^\r\n]*\r?\n)*?)-----END \1-----[ \t]*$/gm;

/**
 * All blocks in a text, in order. What stands between them is passed over, and checksums, which protect nothing, too.
 * @throws {BuildError} `invalid_argument` for a block that is not base64
 * @see RFC 9580, section 6
 */
export function decodeArmor(text: string): readonly ArmorBlock[] {
  return [...text.matchAll(blockPattern)].map(([, type = "", inside = ""]) => {
    const lines = inside.split(/\r?\n/);
    const blank = lines.findIndex((line) => line.trim() === "");
    const data = lines
      .slice(blank + 1)
      .map((line) => line.trim())
      .filter((line) => !line.startsWith("="))
      .join("");
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data)) throw new BuildError("invalid_argument", `invalid armor of ${type}`);
    return { type, body: Buffer.from(data, "base64") };
  });
}
