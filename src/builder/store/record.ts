import { goJson } from "../../base/text/go-values/mod.ts";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import type { Platform } from "../../oci/mod.ts";
import type { NodeConfig } from "../driver.ts";

/** A node as it was created. */
export type BuilderNode = NodeConfig;

/** A builder as it was created. */
export interface BuilderRecord {
  readonly name: string;
  /** As stored: a newer program may have stored one that we do not know. */
  readonly driver: string;
  readonly nodes: readonly BuilderNode[];
  /** Its nodes are found at run time. */
  readonly dynamic: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** The text of `instances/<name>`, byte for byte as buildx writes it. */
export function encodeRecord({ name, driver, nodes, dynamic }: BuilderRecord): string {
  return goJson({
    Name: name,
    Driver: driver,
    Nodes: nodes.map((node) => ({
      Name: node.name,
      Endpoint: node.endpoint,
      Platforms: node.platforms.length === 0 ? null : node.platforms.map(platformJson),
      DriverOpts: mapOrNull(node.driverOpts, (value) => value),
      Flags: node.flags.length === 0 ? null : node.flags,
      Files: mapOrNull(node.files, (bytes) => Buffer.from(bytes).toString("base64")),
    })),
    Dynamic: dynamic,
  });
}

/**
 * Reads such a text.
 * @param path named in errors
 * @throws {BuildError} `invalid_argument` when it is none
 */
export function decodeRecord(text: string, path: string): BuilderRecord {
  const wrong = (what: string, cause?: unknown) =>
    new BuildError(
      "invalid_argument",
      `cannot read the builder in ${path}: ${what}; mend the file, or remove it and create the builder again`,
      { cause },
    );
  const object = (value: unknown, what: string): Json => {
    if (value === undefined || value === null) return {};
    if (typeof value !== "object" || Array.isArray(value)) throw wrong(`${what} is not an object`);
    return value as Json;
  };
  const string = (value: unknown, what: string): string => {
    if (value === undefined || value === null) return "";
    if (typeof value !== "string") throw wrong(`${what} is not a string`);
    return value;
  };
  const list = (value: unknown, what: string): readonly unknown[] => {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw wrong(`${what} is not a list`);
    return value;
  };
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw wrong(messageOf(error), error);
  }
  const { Name, Driver, Nodes, Dynamic } = object(root, "the whole");
  const name = string(Name, "Name");
  if (name === "") throw wrong("it has no Name");
  const nodes = list(Nodes, "Nodes").map((value, at): BuilderNode => {
    const where = `Nodes[${at}]`;
    const node = object(value, where);
    const files = Object.entries(object(node.Files, `${where}.Files`));
    const opts = Object.entries(object(node.DriverOpts, `${where}.DriverOpts`));
    return {
      name: string(node.Name, `${where}.Name`),
      endpoint: string(node.Endpoint, `${where}.Endpoint`),
      platforms: list(node.Platforms, `${where}.Platforms`).map((platform) => {
        const fields = object(platform, `${where}.Platforms`);
        return platformOf((field) => string(fields[field], `${where}.Platforms.${field}`), fields["os.features"]);
      }),
      driverOpts: Object.fromEntries(opts.map(([key, text]) => [key, string(text, `${where}.DriverOpts.${key}`)])),
      flags: list(node.Flags, `${where}.Flags`).map((flag) => string(flag, `${where}.Flags`)),
      files: Object.fromEntries(
        files.map(([path, content]) => [path, Buffer.from(string(content, `${where}.Files`), "base64")]),
      ),
    };
  });
  if (nodes.length === 0) throw wrong("it has no Nodes");
  return { name, driver: string(Driver, "Driver"), nodes, dynamic: Dynamic === true };
}

function platformJson({ architecture, os, osVersion, osFeatures, variant }: Platform): Json {
  return { architecture, os, "os.version": osVersion, "os.features": osFeatures, variant };
}

function platformOf(field: (name: string) => string, features: unknown): Platform {
  const [variant, osVersion] = [field("variant"), field("os.version")];
  return {
    os: field("os"),
    architecture: field("architecture"),
    ...(variant === "" ? {} : { variant }),
    ...(osVersion === "" ? {} : { osVersion }),
    ...(Array.isArray(features) ? { osFeatures: features.map(String) } : {}),
  };
}

/** Go writes maps in the order of their keys, and empty ones that never were made as null. */
function mapOrNull<T>(map: Readonly<Record<string, T>>, encode: (value: T) => unknown): Json | null {
  const entries = Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? null : Object.fromEntries(entries.map(([key, value]) => [key, encode(value)]));
}
