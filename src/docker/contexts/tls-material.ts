import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What a TLS connection to an engine is made with, PEM each. */
export interface TlsMaterial {
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  /** Whether the engine's certificate is looked at. */
  readonly verify: boolean;
}

/** Reads `ca.pem`, `cert.pem` and `key.pem` of a directory; those that are missing stay out. `undefined` when none is there. */
export async function readTlsDirectory(
  directory: string,
): Promise<Pick<TlsMaterial, "ca" | "cert" | "key"> | undefined> {
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "cert.pem", "key.pem"].map((name) => readIfAny(join(directory, name))),
  );
  return ca || cert || key ? { ca, cert, key } : undefined;
}

async function readIfAny(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
