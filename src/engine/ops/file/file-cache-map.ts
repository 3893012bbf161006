import { messageJson } from "../../../base/protobuf/mod.ts";
import { pb } from "../../../api/mod.ts";
import { type Digest, digestOf } from "../../../oci/mod.ts";
import type { Ref } from "../../refs/mod.ts";
import type { CacheMap, InputKey } from "../../solver/mod.ts";
import { contentDigest, type ContentSelector } from "../content-digest.ts";
import { jsonBytes, opDigest } from "../op-digest.ts";
import { baseOf } from "../../snapshots/mod.ts";
import { relativePath } from "./tree-path.ts";

/**
 * How a file op is recognised: by its actions, and by the content of those inputs that it only reads from. What it copies from an input
 * is named without its directory: the same files from elsewhere make the same result.
 */
export function fileCacheMap<C>(op: pb.FileOp, inputs: number): CacheMap<Ref, C> {
  const selectors = Array.from({ length: inputs }, (): ContentSelector[] => []);
  const changed = new Set<number>();
  const actions = op.actions.map((action) => {
    changed.add(Number(action.input));
    for (const [input, selector] of selectorsOf(action)) selectors[input]?.push(selector);
    return actionJson(action, inputs);
  });
  const indexes = op.actions.map(({ input, secondaryInput, output }) => [input, secondaryInput, output].map(Number));
  return {
    digest: opDigest({
      Type: "buildkit.file.v0",
      Actions: actions.map(jsonBytes),
      ...(isDefault(indexes) ? {} : { indexes }),
    }),
    inputs: selectors.map((list, at) => (changed.has(at) || list.length === 0 ? {} : inputKey(list))),
  };
}

function inputKey<C>(selectors: readonly ContentSelector[]): InputKey<Ref, C> {
  return {
    selector: selectorDigest(selectors.map(({ path }) => path)),
    contentDigest: (ref, { signal }) => contentDigest(ref, selectors, { signal }),
  };
}

function selectorDigest(paths: readonly string[]): Digest {
  const sorted = paths.map((path) => Buffer.from(path, "utf8")).sort((a, b) => Buffer.compare(b, a));
  return digestOf(Buffer.concat(sorted.flatMap((path, at) => (at === 0 ? [path] : [Buffer.of(0), path]))));
}

function* selectorsOf({ action, secondaryInput }: pb.FileAction): Iterable<[number, ContentSelector]> {
  if (action.case === undefined || action.case === "rm") return;
  const { owner } = action.value;
  for (const [part, path] of [
    [owner?.user?.user, "/etc/passwd"],
    [owner?.group?.user, "/etc/group"],
  ] as const) {
    if (part?.case === "byName") yield [Number(part.value.input), { path, followLinks: true }];
  }
  if (action.case !== "copy" || secondaryInput === -1n) return;
  const copy = action.value;
  const selector = {
    path: copy.src,
    wildcard: copy.allowWildcard,
    include: copy.includePatterns,
    exclude: copy.excludePatterns,
    required: copy.requiredPaths,
  };
  yield [Number(secondaryInput), { ...selector, followLinks: copy.followSymlink }];
  if (copy.attemptUnpackDockerCompatibility && !copy.followSymlink) {
    // An archive is unpacked also through a link to it; anything else is copied as the link.
    yield [Number(secondaryInput), { ...selector, followLinks: true, optional: true }];
  }
}

function actionJson({ action, secondaryInput }: pb.FileAction, inputs: number): Record<string, unknown> {
  switch (action.case) {
    case "mkdir":
      return messageJson(pb.FileActionMkDirSchema, action.value);
    case "mkfile":
      return messageJson(pb.FileActionMkFileSchema, action.value);
    case "symlink":
      return messageJson(pb.FileActionSymlinkSchema, action.value);
    case "rm":
      return messageJson(pb.FileActionRmSchema, action.value);
    case "copy": {
      const json = messageJson(pb.FileActionCopySchema, action.value);
      const fromInput = secondaryInput >= 0n && secondaryInput < BigInt(inputs);
      if (fromInput) json.src = baseOf(relativePath(action.value.src)) || "/";
      return json;
    }
    case undefined:
      return {};
  }
}

/** A plain chain of copies: each action goes on with the one before, and the last is the output. */
function isDefault(indexes: readonly (readonly number[])[]): boolean {
  return indexes.every(
    ([input, secondary, output], at) =>
      input === (at === 0 ? 0 : indexes.length + (at - 1)) &&
      (secondary === -1 || secondary === 1) &&
      output === (at === indexes.length - 1 ? 0 : -1),
  );
}
