import { randomUUID } from "node:crypto";
import { chmod, chown, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeDirectory } from "../base/files/mod.ts";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import { parseDockerConfig } from "./config.ts";

/** A `config.json` as it stands in the file, with fields that we know nothing of. */
export type RawConfig = Record<string, unknown> & { auths?: Record<string, unknown>; credsStore?: string };

/**
 * Changes Docker's `config.json`: everything that `change` does not touch stays. Written beside and renamed, so nobody reads half of it;
 * only its owner may read it, since it holds passwords. A link stays a link.
 * @param change changes the object; `false`: there is nothing to write
 */
export async function changeDockerConfig(path: string, change: (config: RawConfig) => boolean): Promise<void> {
  const file = await realpath(path).catch(() => path);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw cannot("read", path, error);
  });
  parseDockerConfig(text, path); // refuses what is no config, before anything is lost
  const config = (text.trim() === "" ? {} : JSON.parse(text)) as RawConfig;
  if (!change(config)) return;
  const fresh = `${file}.${randomUUID()}`;
  try {
    await makeDirectory(dirname(file), { mode: 0o700 });
    await writeFile(fresh, JSON.stringify(config, undefined, "\t"), { mode: 0o600, flag: "wx" });
    await chmod(fresh, 0o600);
    await keepOwner(file, fresh);
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw cannot("write", path, error);
  }
}

/** Root changing a user's file leaves it to that user. */
async function keepOwner(old: string, fresh: string): Promise<void> {
  const owner = await stat(old).catch(() => undefined);
  if (owner && process.getuid?.() === 0) await chown(fresh, owner.uid, owner.gid);
}

function cannot(what: "read" | "write", path: string, cause: unknown): BuildError {
  return new BuildError("permission_denied", `Cannot ${what} Docker config file "${path}": ${messageOf(cause)}`, {
    cause,
  });
}
