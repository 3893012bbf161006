import { BuildError } from "../../../base/errors/mod.ts";
import { clone, messageJson } from "../../../base/protobuf/mod.ts";
import { pb } from "../../../api/mod.ts";
import { digestOf, type Platform } from "../../../oci/mod.ts";
import type { Ref } from "../../refs/mod.ts";
import type { CacheMap, InputKey } from "../../solver/mod.ts";
import { contentDigest } from "../content-digest.ts";
import { opDigest } from "../op-digest.ts";
import { relativePath } from "../file/tree-path.ts";

/**
 * How an exec op is recognised: by everything that its process can notice, the platform included. Inputs that it can only read are known
 * by their content; the root, and whatever it changes, by its own key.
 */
export function execCacheMap<C>(op: pb.ExecOp, inputs: number, platform: Platform): CacheMap<Ref, C> {
  const { os, architecture, variant, osVersion, osFeatures } = platform;
  return {
    digest: opDigest({
      Type: "buildkit.exec.v0",
      Exec: messageJson(pb.ExecOpSchema, withoutNoise(op)),
      OS: os,
      Arch: architecture,
      ...(variant && { Variant: variant }),
      ...(osVersion && { OSVersion: osVersion }),
      ...(osFeatures && osFeatures.length > 0 && { OSFeatures: osFeatures }),
    }),
    inputs: Array.from({ length: inputs }, (_, at) => inputKey(op, BigInt(at))),
  };
}

/** The op without what does not, or must not, decide its result. */
function withoutNoise(op: pb.ExecOp): pb.ExecOp {
  const copy = clone(pb.ExecOpSchema, op);
  if (copy.meta) {
    delete copy.meta.proxyEnv;
    for (const host of copy.meta.extraHosts) host.IP = "";
  }
  for (const mount of copy.mounts) {
    mount.selector = ""; // part of the input's key
    const cache = mount.cacheOpt;
    const isPlainCache = cache?.sharing === pb.CacheSharingOpt.SHARED && isOwnName(cache.ID, mount.dest);
    if (cache && !isPlainCache) {
      cache.ID = "";
      cache.sharing = pb.CacheSharingOpt.SHARED;
    }
  }
  const [only] = copy.mounts;
  if (only && copy.mounts.length === 1 && only.mountType === pb.MountType.BIND && only.dest === "/" && !only.readonly) {
    copy.mounts = [];
  }
  return copy;
}

function isOwnName(id: string, dest: string): boolean {
  return id === dest || id.endsWith(`/${dest}`);
}

function inputKey<C>(op: pb.ExecOp, input: bigint): InputKey<Ref, C> {
  const mounts = op.mounts.filter((mount) => mount.input === input);
  const paths = mounts.map(({ selector }) => `/${relativePath(selector)}`);
  if (paths.length === 0) return {};
  const selector = digestOf(paths.join("\0"));
  const byContent = mounts.map(isReadByContent).every(Boolean);
  if (!byContent) return { selector };
  const selectors = [...new Set(paths)].sort().map((path) => ({ path, followLinks: true }));
  return {
    selector,
    contentDigest: (ref, { signal }) => contentDigest(ref, selectors, { signal }),
  };
}

/**
 * Whether nothing but the content of what is mounted can show in the results, and whether that is asked for: by default not of the root, of which
 * much would have to be read.
 * @throws {BuildError} `invalid_argument` when it is asked for and more than the content that is mounted ends up in a result
 */
function isReadByContent({ contentCache, readonly, dest, output, selector }: pb.Mount): boolean {
  const isSafe = readonly || output === -1n || relativePath(selector) === "";
  if (contentCache === pb.MountContentCache.ON && !isSafe) {
    throw new BuildError(
      "invalid_argument",
      `invalid mount cache content: what is written below "/${relativePath(selector)}" of the mount at "${dest}" is part of a result that has more than that`,
    );
  }
  if (contentCache === pb.MountContentCache.OFF) return false;
  return isSafe && (dest !== "/" || contentCache === pb.MountContentCache.ON);
}
