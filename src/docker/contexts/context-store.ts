import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { readTlsDirectory, type TlsMaterial } from "./tls-material.ts";

/** A Docker context: a name for an engine. */
export interface DockerContext {
  readonly name: string;
  readonly description: string;
  /** Address of the engine; empty when the context names none. */
  readonly host: string;
  readonly tls?: TlsMaterial | undefined;
}

/**
 * The contexts that `docker context create` stores below a configuration directory, in the order of their names. What cannot be read is passed
 * over: one broken context must not hide the others.
 */
export async function listContexts(configDirectory: string): Promise<readonly DockerContext[]> {
  const directory = join(configDirectory, "contexts/meta");
  let ids: string[];
  try {
    ids = await readdir(directory);
  } catch {
    return [];
  }
  const contexts = await Promise.all(ids.map((id) => readStored(configDirectory, id).catch(() => undefined)));
  return contexts
    .filter((context) => context !== undefined)
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/**
 * One context by its name; `undefined` when there is none.
 * @throws {BuildError} `invalid_argument` naming the file that cannot be read
 */
export async function findContext(configDirectory: string, name: string): Promise<DockerContext | undefined> {
  return await readStored(configDirectory, createHash("sha256").update(name).digest("hex"));
}

/** @see https://docs.docker.com/engine/manage-resources/contexts/ (one directory per context, named by the digest of its name) */
async function readStored(configDirectory: string, id: string): Promise<DockerContext | undefined> {
  const path = join(configDirectory, "contexts/meta", id, "meta.json");
  let meta: unknown;
  try {
    meta = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new BuildError(
      "invalid_argument",
      `Cannot read Docker context file "${path}": ${messageOf(cause)}: mend it, or remove it`,
      {
        cause,
      },
    );
  }
  const { Name, Metadata, Endpoints } = object(meta);
  const { Host, SkipTLSVerify } = object(object(Endpoints).docker);
  const files = await readTlsDirectory(join(configDirectory, "contexts/tls", id, "docker"));
  const skip = SkipTLSVerify === true;
  return {
    name: text(Name),
    description: text(object(Metadata).Description),
    host: text(Host),
    ...(files || skip ? { tls: { ...files, verify: !skip } } : {}),
  };
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
