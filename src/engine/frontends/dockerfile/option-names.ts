import { BuildError } from "../../../base/errors/mod.ts";
import { parseGoBool } from "../../../base/text/go-values/mod.ts";
import { resourceOptions } from "./resource-options.ts";

/** Options that have an effect here, and those that are the engine's or the client's business. */
const known = new Set([
  ...resourceOptions,
  ...(
    "add-hosts cache-from cache-imports cgroup-parent cmdline context contextkey contextsubdir dockerfilekey filename force-network-mode hostname " +
    "image-resolve-mode multi-platform no-cache platform requestid shm-size source target ulimit"
  ).split(" "),
]);
const knownPrefixes = [
  "attest:",
  "build-arg:",
  "context:",
  "input-metadata:",
  "label:",
  "local-sessionid:",
  "sharedkey:",
  "vcs:",
];

/** Removed from BuildKit long ago, too. */
const removed: Readonly<Record<string, string>> = {
  "override-copy-image": 'support for "override-copy-image" was removed in BuildKit 0.11',
};

/**
 * Refuses what this frontend cannot do.
 * @returns names that mean nothing to it
 * @throws {BuildError} `unimplemented`
 */
export function checkOptionNames(given: Readonly<Record<string, string>>): readonly string[] {
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (value !== "" && removed[name] !== undefined) throw new BuildError("invalid_argument", removed[name]);
    if (name === "frontend.caps") checkCapabilities(value);
    else if (!known.has(name) && !knownPrefixes.some((prefix) => name.startsWith(prefix))) unknown.push(name);
  }
  if (parseGoBool(given["build-arg:BUILDKIT_DISABLE_FILEOP"] ?? "")) {
    throw new BuildError(
      "invalid_argument",
      'support for "BUILDKIT_DISABLE_FILEOP" build-arg was removed in BuildKit 0.11',
    );
  }
  return unknown;
}

/** What this frontend can be relied on to know. */
const capabilities: ReadonlySet<string> = new Set(
  ["contexts", "gitquerystring", "inputs", "subrequests"].map((name) => `moby.buildkit.frontend.${name}`),
);

/** Refuses what a frontend is required to know, and this one does not. */
function checkCapabilities(list: string): void {
  for (const entry of list.split(",")) {
    const name = entry.trim().replace(/\+forward$/, "");
    if (name !== "" && !capabilities.has(name))
      throw refusal(`unsupported frontend capability ${name}`, "FrontendCap", name);
  }
}

/** Says no, with the details by which clients know why. */
export function refusal(message: string, detail?: "FrontendCap" | "Subrequest", name?: string): BuildError {
  if (detail === undefined) return new BuildError("unimplemented", message);
  const value = new TextEncoder().encode(JSON.stringify({ name }));
  return new BuildError("unimplemented", message, {
    details: [{ typeUrl: `github.com/moby/buildkit/errdefs.${detail}+json`, value }],
  });
}
