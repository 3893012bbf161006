import { open } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { parse, stringify, type TomlTable } from "smol-toml";
import { BuildError, messageOf } from "../base/errors/mod.ts";

/** Where the engine in a container finds its files. */
export const engineConfigDirectory = "/etc/buildkit";

/** A configuration file and what it names, ready to be copied to an engine. */
export interface ConfigFiles {
  /** By path below {@link engineConfigDirectory}: `buildkitd.toml`, `certs/<host>/<file>`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** What the file lets builds do. */
  readonly entitlements: readonly string[];
}

const limitBytes = 1024 * 1024;

/**
 * Reads a `buildkitd.toml` with the certificates and keys of its registries, whose paths are rewritten to where they will lie. What else it
 * says stays as it is, known to us or not.
 * @param path as typed, relative to `cwd`
 * @throws {BuildError} with buildx's words, naming the file
 */
export async function loadConfigFiles(path: string, cwd: string): Promise<ConfigFiles> {
  const config = await parseConfig(path, cwd);
  const files: Record<string, Uint8Array> = {};
  const registries = optionalTable(config.registry, "registry", path);
  for (const [host, value] of Object.entries(registries)) {
    const registry = optionalTable(value, `registry.${JSON.stringify(host)}`, path);
    const keep = async (file: string, what: string): Promise<string> => {
      const place = `certs/${host.replaceAll(/[^a-zA-Z0-9.-]+/g, "_")}/${basename(file)}`;
      files[place] = await read(file, cwd, `failed to read ${what} file: ${file}`);
      return `${engineConfigDirectory}/${place}`;
    };
    const cas = strings(registry.ca, `registry.${JSON.stringify(host)}.ca`, path);
    if (cas.length > 0) registry.ca = await Promise.all(cas.map((ca) => keep(ca, "CA")));
    const pairs = Array.isArray(registry.keypair) ? registry.keypair : [];
    for (const [at, item] of pairs.entries()) {
      const pair = optionalTable(item, `registry.${JSON.stringify(host)}.keypair[${at}]`, path);
      if (typeof pair.key === "string" && pair.key !== "") pair.key = await keep(pair.key, "key");
      if (typeof pair.cert === "string" && pair.cert !== "") pair.cert = await keep(pair.cert, "cert");
    }
  }
  files["buildkitd.toml"] = new TextEncoder().encode(stringify(config));
  return { files, entitlements: strings(config["insecure-entitlements"], "insecure-entitlements", path) };
}

async function parseConfig(path: string, cwd: string): Promise<TomlTable> {
  const bytes = await read(path, cwd, `buildkit configuration file not found: ${path}`);
  try {
    return parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw failed(`failed to load buildkit configuration file: ${path}`, messageOf(cause), cause);
  }
}

async function read(path: string, cwd: string, what: string): Promise<Uint8Array> {
  try {
    await using file = await open(resolve(cwd, path));
    const { size } = await file.stat();
    if (size > limitBytes) throw new Error(`it has ${size} bytes, and only 1 MiB is taken`);
    return await file.readFile();
  } catch (cause) {
    throw failed(what, messageOf(cause), cause);
  }
}

function optionalTable(value: unknown, name: string, path: string): TomlTable {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date) {
    throw failed(`failed to load buildkit configuration file: ${path}`, `${name} is not a table`);
  }
  return value as TomlTable;
}

function strings(value: unknown, name: string, path: string): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw failed(`failed to load buildkit configuration file: ${path}`, `${name} is not a list of strings`);
}

function failed(what: string, why: string, cause?: unknown): BuildError {
  return new BuildError("invalid_argument", `${what}: ${why}`, { cause });
}
