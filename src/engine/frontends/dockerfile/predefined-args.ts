import { messageOf } from "../../../base/errors/mod.ts";
import { type ArgInstruction, dockerfileError, EnvironmentList, expand } from "../../../dockerfile/mod.ts";
import type { ProxySettings } from "../../../llb/mod.ts";
import { formatPlatform, formatPlatformFull, type Platform } from "../../../oci/mod.ts";
import { type ArgParameter, descriptionOf } from "./stage-parameters.ts";

/** Arguments that steer the build and are never variables of a process. */
export const nonEnvironmentArgs: ReadonlySet<string> = new Set([
  "BUILDKIT_SBOM_SCAN_CONTEXT",
  "BUILDKIT_SBOM_SCAN_STAGE",
]);

/** `BUILDPLATFORM`, `TARGETARCH` and the like: known to FROM lines, and to stages that ask for them by ARG. */
export function platformArgs(
  options: { readonly build: Platform; readonly target: Platform; readonly stage: string },
  overrides: Readonly<Record<string, string>>,
): EnvironmentList {
  const { build, target, stage } = options;
  const values: Readonly<Record<string, string>> = {
    BUILDPLATFORM: formatPlatform(build),
    BUILDOS: build.os,
    BUILDOSVERSION: build.osVersion ?? "",
    BUILDARCH: build.architecture,
    BUILDVARIANT: build.variant ?? "",
    TARGETPLATFORM: formatPlatformFull(target),
    TARGETOS: target.os,
    TARGETOSVERSION: target.osVersion ?? "",
    TARGETARCH: target.architecture,
    TARGETVARIANT: target.variant ?? "",
    TARGETSTAGE: stage === "" ? "default" : stage,
  };
  return new EnvironmentList(Object.entries(values).map(([name, value]) => [name, overrides[name] ?? value] as const));
}

/** The ARGs in front of the first FROM. */
export interface GlobalArgs {
  /** With the predefined ones. */
  readonly environment: EnvironmentList;
  readonly parameters: ReadonlyMap<string, ArgParameter>;
}

/**
 * Adds the ARGs in front of the first FROM.
 * @throws {BuildError} with the place of a default that cannot be expanded
 */
export function withGlobalArgs(
  predefined: EnvironmentList,
  instructions: readonly ArgInstruction[],
  options: { readonly buildArgs: Readonly<Record<string, string>>; readonly escape: "\\" | "`" },
): GlobalArgs {
  const environment = predefined.copy();
  const parameters = new Map<string, ArgParameter>();
  for (const { args, range, comments } of instructions) {
    for (const { key, value } of args) {
      let effective = Object.hasOwn(options.buildArgs, key) ? options.buildArgs[key] : undefined;
      const uses = new Set<string>();
      if (effective === undefined && value !== undefined) {
        try {
          const { text, matched } = expand(value, { environment, escape: options.escape });
          effective = text;
          for (const name of matched) uses.add(name);
        } catch (error) {
          throw dockerfileError(messageOf(error), range, error);
        }
      }
      // An argument that is made of itself takes from what its last value was made of.
      if (uses.delete(key)) for (const name of parameters.get(key)?.uses ?? []) uses.add(name);
      if (effective !== undefined) environment.set(key, effective);
      const description = descriptionOf(key, comments);
      parameters.set(key, { name: key, value: effective ?? "", description, range, uses });
    }
  }
  return { environment, parameters };
}

/** Proxies are given to processes without being part of any key. */
export function proxySettings(buildArgs: Readonly<Record<string, string>>): ProxySettings | undefined {
  const find = (name: string) => Object.entries(buildArgs).findLast(([key]) => key.toLowerCase() === name)?.[1];
  const found = Object.entries({
    http: find("http_proxy"),
    https: find("https_proxy"),
    ftp: find("ftp_proxy"),
    no: find("no_proxy"),
    all: find("all_proxy"),
  }).filter(([, value]) => value !== undefined);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}
