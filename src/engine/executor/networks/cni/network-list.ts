import { BuildError, messageOf } from "../../../../base/errors/mod.ts";

/** One plugin's part of a configuration; the rest is the plugin's own business. */
export interface PluginConfig {
  /** Name of its program. */
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A CNI network: its plugins in the order in which they connect a namespace. */
export interface NetworkList {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly PluginConfig[];
}

/** Versions of the specification whose plugins are spoken to in the same way. */
const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
const oldest = "0.1.0";
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/**
 * Reads a network configuration: one plugin's (`type`), or a list (`plugins`).
 * @param path for messages
 * @throws {BuildError} `invalid_argument`
 * @see https://github.com/containernetworking/cni/blob/main/SPEC.md (section 1)
 */
export function parseNetworkList(text: string, path: string): NetworkList {
  const fail = (why: string, options: ErrorOptions = {}): never => {
    throw new BuildError("invalid_argument", `failed to read cni config ${JSON.stringify(path)}: ${why}`, options);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return fail(messageOf(cause), { cause });
  }
  if (!isObject(value)) return fail("want an object");
  const { name, cniVersion = oldest, plugins = [value] } = value;
  if (typeof name !== "string" || !namePattern.test(name)) {
    return fail(`invalid characters in network name, or none: ${JSON.stringify(name)}`);
  }
  if (typeof cniVersion !== "string" || !versions.includes(cniVersion)) {
    return fail(`unsupported cniVersion ${JSON.stringify(cniVersion)}: want one of ${versions.join(", ")}`);
  }
  if (!Array.isArray(plugins) || plugins.length === 0) return fail("no plugins in list");
  return { name, cniVersion, plugins: plugins.map((plugin) => (isPlugin(plugin) ? plugin : fail("missing 'type'"))) };
}

function isPlugin(value: unknown): value is PluginConfig {
  // The name becomes part of a path.
  return isObject(value) && typeof value["type"] === "string" && /^[^/]+$/.test(value["type"]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
