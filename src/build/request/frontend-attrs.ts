import { BuildError } from "../../base/errors/mod.ts";
import { formatCsvFields } from "../../base/text/csv/mod.ts";
import type { BuildOptions } from "../build-options.ts";
import { extraHost } from "./extra-hosts.ts";
import { keyValues } from "./key-values.ts";
import { fullPlatforms } from "./names.ts";
import { resourceAttrs } from "./resources.ts";

/** What the options draw on besides themselves. */
export interface AttrsEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Proxies that Docker's config wants builds to have, by variable. */
  readonly proxies: Readonly<Record<string, string>>;
}

/** The frontend's part of the request. Pure. @throws {BuildError} `invalid_argument` for what cannot be meant */
export function frontendAttrs(options: BuildOptions, environment: AttrsEnvironment): Readonly<Record<string, string>> {
  const attrs: Record<string, string> = {};
  const platforms = fullPlatforms(options.platforms);
  if (platforms.length > 0) attrs.platform = platforms.join(",");
  if (options.target !== "") attrs.target = options.target;
  if (options.pull) attrs["image-resolve-mode"] = "pull";
  Object.assign(attrs, cacheAttrs(options), networkAttrs(options.network));
  if (options.addHosts.length > 0) attrs["add-hosts"] = formatCsvFields(options.addHosts.map(extraHost));
  if (options.shmSizeBytes) attrs["shm-size"] = String(options.shmSizeBytes);
  if (options.ulimits.length > 0) attrs.ulimit = formatCsvFields(options.ulimits);
  if (options.cgroupParent !== "") attrs["cgroup-parent"] = options.cgroupParent;
  Object.assign(attrs, resourceAttrs(options.resources));
  for (const [key, value] of Object.entries(buildArgs(options, environment))) attrs[`build-arg:${key}`] = value;
  for (const [key, value] of Object.entries(keyValues(options.labels, () => ""))) attrs[`label:${key}`] = value;
  return attrs;
}

/** What the client knows of the world, unless the user says otherwise; variables of proxies are the same in capitals and not. */
function buildArgs(options: BuildOptions, { env, proxies }: AttrsEnvironment): Readonly<Record<string, string>> {
  const given = keyValues(options.buildArgs, (key) => env[key]);
  if (given.BUILDKIT_SYNTAX === "") {
    throw new BuildError(
      "invalid_argument",
      "empty BUILDKIT_SYNTAX build-arg is invalid, use --build-arg BUILDKIT_SYNTAX without '=' for optional behavior",
    );
  }
  const taken = new Set(Object.keys(given).map((key) => key.toUpperCase()));
  const epoch = env.SOURCE_DATE_EPOCH;
  return {
    ...Object.fromEntries(Object.entries(proxies).filter(([key]) => !taken.has(key.toUpperCase()))),
    ...(epoch ? { SOURCE_DATE_EPOCH: epoch } : {}),
    ...given,
  };
}

function cacheAttrs({ noCache, noCacheFilter }: BuildOptions): Readonly<Record<string, string>> {
  if (noCache && noCacheFilter.length > 0) {
    throw new BuildError("invalid_argument", "--no-cache and --no-cache-filter cannot currently be used together");
  }
  if (noCache) return { "no-cache": "" };
  return noCacheFilter.length > 0 ? { "no-cache": noCacheFilter.join(",") } : {};
}

function networkAttrs(network: string): Readonly<Record<string, string>> {
  if (network === "" || network === "default") return {};
  if (network === "host" || network === "none") return { "force-network-mode": network };
  throw new BuildError(
    "invalid_argument",
    `network mode ${JSON.stringify(network)} not supported by buildkit - you can define a custom network for your builder using the network driver-opt in buildx create`,
  );
}
