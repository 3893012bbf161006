import { isDeepStrictEqual } from "node:util";
import { BuildError } from "../../base/errors/mod.ts";
import { parseGoBool } from "../../base/text/go-values/mod.ts";
import type { Annotation } from "../../imagetools/mod.ts";
import {
  formatPlatform,
  formatReference,
  parsePlatform,
  parseReference,
  type Platform,
  type Reference,
} from "../../oci/mod.ts";
import type { PlannedOutput } from "../outputs/plan-outputs.ts";
import type { PreparedBuild } from "../prepare-build.ts";
import type { PushedImage } from "./merge.ts";

/** What each of several nodes is asked for, and what is left for the client to do. */
export interface FarmPlan {
  /** The outputs of each node. */
  readonly outputs: readonly PlannedOutput[];
  /** The image that is to be made of what the nodes push; absent when nothing is pushed. */
  readonly pushed?: PushedImage;
}

/**
 * Decides what becomes of a build's outputs on several nodes: images are pushed by digest, to be merged. Pure.
 * @throws {BuildError} for outputs that several nodes cannot make together, with docker buildx's words
 */
export function planFarm({ outputs }: PreparedBuild): FarmPlan {
  for (const { exporter } of outputs) {
    if (exporter === "oci" || exporter === "tar" || exporter === "docker") {
      throw new BuildError("unimplemented", `${exporter} for multi-node builds currently not supported`);
    }
  }
  if (outputs.some(({ target }) => target.type === "directory" && target.mode === "delete")) {
    throw new BuildError(
      "unimplemented",
      "mode=delete of local is not supported for multi-node builds: each node's files would remove the others'",
    );
  }
  const isPushed = (output: PlannedOutput) => output.exporter === "image" && isSet(output.attrs.push);
  const [first, ...others] = outputs.filter(isPushed);
  if (!first) return { outputs };
  if (others.some((other) => !isDeepStrictEqual({ ...other.attrs, name: "" }, { ...first.attrs, name: "" }))) {
    throw new BuildError(
      "unimplemented",
      "several images with different options are not supported for multi-node builds: build once for each",
    );
  }
  const names = [first, ...others].flatMap(({ attrs }) => (attrs.name ?? "").split(","));
  const { attrs, annotations } = takeAnnotations(first.attrs);
  const targets = [...new Set(names)].map((name) => parseReference(name));
  const repositories = [...new Set(targets.map((target) => formatReference(repositoryOf(target))))];
  const byDigest: PlannedOutput = {
    ...first,
    attrs: { ...attrs, name: repositories.join(","), "push-by-digest": "true" },
  };
  return {
    // The last exporter's answer is the one that counts.
    outputs: [...outputs.filter((output) => !isPushed(output)), byDigest],
    pushed: {
      targets,
      annotations,
      byDigest: isSet(first.attrs["push-by-digest"]),
      insecure: isSet(first.attrs["registry.insecure"]),
      mayChangeFormat: first.attrs["oci-mediatypes"] === undefined && annotations.length === 0,
    },
  };
}

/** One node's part of a build that several nodes work on. Pure. */
export function shareOf(build: PreparedBuild, plan: FarmPlan, platforms: readonly Platform[]): PreparedBuild {
  const platform = platforms.map(formatPlatform).join(",");
  return { ...build, outputs: plan.outputs, attrs: { ...build.attrs, platform, "multi-platform": "true" } };
}

/** A name without tag and digest. */
export function repositoryOf({ registry, repository }: Reference): Reference {
  return { registry, repository };
}

/** Annotations of the index and of its entries have no place in what a node pushes. */
function takeAnnotations(all: Readonly<Record<string, string>>): {
  readonly attrs: Readonly<Record<string, string>>;
  readonly annotations: readonly Annotation[];
} {
  const attrs: Record<string, string> = {};
  const annotations: Annotation[] = [];
  for (const [name, value] of Object.entries(all)) {
    const match = /^annotation-(index|manifest-descriptor)(?:\[([^\]]+)\])?\.(.+)$/.exec(name);
    if (!match) {
      attrs[name] = value;
      continue;
    }
    const [, target, platform, key = ""] = match;
    annotations.push({
      target: target as "index" | "manifest-descriptor",
      ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
      key,
      value,
    });
  }
  return { attrs, annotations };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && (value === "" || parseGoBool(value) === true);
}
