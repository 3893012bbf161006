import { parse, type TomlTable } from "smol-toml";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import { engineConfigDirectory } from "./config-files.ts";

/** How a node's engine reaches a registry, for those who go there in its stead. */
export interface RegistrySettings {
  readonly plainHttp?: boolean;
  readonly insecure?: boolean;
  /** PEM. */
  readonly ca?: readonly string[];
  /** PEM. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string };
  readonly mirrors?: readonly string[];
}

/**
 * What the configuration that a node was created with says of registries, by host.
 * @param files by path below the engine's configuration directory, as the store has them
 * @throws {BuildError} when the stored configuration cannot be read
 */
export function registrySettings(files: Readonly<Record<string, Uint8Array>>): ReadonlyMap<string, RegistrySettings> {
  const file = files["buildkitd.toml"];
  if (!file) return new Map();
  let config: TomlTable;
  try {
    config = parse(Buffer.from(file).toString("utf8"));
  } catch (cause) {
    const message = `the builder's stored buildkitd.toml cannot be read: ${messageOf(cause)}`;
    throw new BuildError("invalid_argument", message, { cause });
  }
  const pem = (path: unknown) => {
    const stored = typeof path === "string" ? files[path.replace(`${engineConfigDirectory}/`, "")] : undefined;
    return stored && Buffer.from(stored).toString("utf8");
  };
  return new Map(
    Object.entries(tableOf(config["registry"])).map(([host, value]) => [host, settings(tableOf(value), pem)]),
  );
}

function settings(
  { http, insecure, mirrors, ca, keypair }: TomlTable,
  pem: (path: unknown) => string | undefined,
): RegistrySettings {
  const authorities = listOf(ca)
    .map(pem)
    .filter((text) => text !== undefined);
  const pair = tableOf(listOf(keypair)[0]);
  const [cert, key] = [pem(pair["cert"]), pem(pair["key"])];
  const names = listOf(mirrors).filter((name) => typeof name === "string");
  return {
    ...(typeof http === "boolean" ? { plainHttp: http } : {}),
    ...(insecure === true ? { insecure } : {}),
    ...(authorities.length > 0 ? { ca: authorities } : {}),
    ...(cert !== undefined && key !== undefined ? { clientCertificate: { cert, key } } : {}),
    ...(names.length > 0 ? { mirrors: names } : {}),
  };
}

function tableOf(value: unknown): TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as TomlTable) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
