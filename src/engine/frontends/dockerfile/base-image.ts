import { goQuote } from "../../../base/text/go-values/mod.ts";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { withSuggestion } from "../../../base/text/suggest/mod.ts";
import { dockerfileError } from "../../../dockerfile/mod.ts";
import { image, scratch } from "../../../llb/mod.ts";
import {
  decodeImageConfig,
  formatPlatformFull,
  formatReference,
  type ImageConfig,
  parseReference,
  type Platform,
  platformOfConfig,
  type Reference,
  withDefaultTag,
  withDigest,
} from "../../../oci/mod.ts";
import type { Bridge } from "../bridge.ts";
import type { NamedContext } from "./contexts/named-contexts.ts";
import { emptyImage, ImageDraft } from "./image-draft.ts";
import { type Stage, withLocation } from "./stage.ts";

/** Images that people mean most often. */
const commonImages = ["alpine", "busybox", "centos", "debian", "golang", "ubuntu", "fedora"];

/**
 * Finds out what a stage starts from: asks for the image's config and pins its name to the digest of now.
 * @param names of stages, for suggestions
 * @throws {BuildError} with the place of the FROM line
 */
export async function resolveBase(
  stage: Stage,
  bridge: Bridge,
  options: { readonly names: readonly string[]; readonly signal: AbortSignal },
): Promise<void> {
  stage.resolved = true;
  const { named } = stage.conversion.context;
  const context =
    stage.replacement ??
    (stage.baseName === "scratch" ? undefined : named.find(stage.baseName, stage.effectivePlatform));
  if (context) {
    await startFromContext(stage, context, options).catch((error: unknown) => {
      throw withLocation(error, stage.range);
    });
    if (stage.isImage || stage.replacement) stage.done = true;
    return;
  }
  if (stage.baseName === "scratch") {
    stage.platform = stage.conversion.target;
    stage.image = new ImageDraft(emptyImage(stage.platform));
    stage.state = scratch;
    if (stage.isImage) stage.done = true;
    return;
  }
  try {
    await resolveImage(stage, bridge, options);
  } catch (error) {
    throw withLocation(error, stage.range);
  }
  if (stage.isImage) stage.done = true;
}

/** Takes what the request gives in place of the stage, or of its base. */
async function startFromContext(
  stage: Stage,
  context: NamedContext,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const { named } = stage.conversion.context;
  const platform = stage.effectivePlatform;
  const { state, config, directory } = await named.open(context, { platform, signal });
  stage.state = state;
  stage.platform = platform;
  stage.baseConfig = config;

  stage.image = new ImageDraft(config ? decodeImageConfig(config) : emptyImage(platform));
  stage.directory = directory;
  // Who goes on from a directory takes all of it.
  if (directory && !stage.isImage && !stage.replacement) directory.use("/");
}

async function resolveImage(
  stage: Stage,
  bridge: Bridge,
  { names, signal }: { readonly names: readonly string[]; readonly signal: AbortSignal },
): Promise<void> {
  const { options, target, file } = stage.conversion;
  const given = stage.baseName;
  const reference = withDefaultTag(parseBase(given, stage));
  const wanted = stage.platform ?? target;
  const ref = formatReference(reference);
  const where = options.multiPlatform ? `${formatPlatformFull(wanted)} ` : "";
  const {
    ref: effective,
    digest,
    config,
  } = await bridge
    .resolveImageConfig(ref, {
      platform: wanted,
      resolveMode: options.resolveMode,
      logName: `[${where}internal] load metadata for ${ref}`,
      signal,
    })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw new BuildError(
        // "unknown" keeps clients from printing a code in front of the words
        error instanceof BuildError && error.code === "canceled" ? "canceled" : "unknown",
        withSuggestion(`${given}: ${messageOf(error)}`, given, [...names, ...commonImages]),
        { cause: error, details: error instanceof BuildError ? error.details : [] },
      );
    });
  const decoded = decodeImageConfig(config);
  const pinned = effective === ref ? reference : withDefaultTag(parseReference(effective));
  stage.baseName = formatReference(digest === undefined ? pinned : withDigest(pinned, digest));
  stage.baseConfig = config;
  stage.image = new ImageDraft(decoded);
  stage.platform =
    stage.platform ?? (options.platforms.length === 0 ? detectPlatform(decoded, wanted, bridge.platforms) : wanted);
  if (hasNoLayers(decoded)) {
    stage.state = scratch;
    return;
  }
  lintOtherPlatform(given, decoded, stage);
  stage.state = image(
    stage.baseName,
    { platform: stage.platform, resolveMode: options.resolveMode },
    {
      name: stage.stepName(`FROM ${stage.baseName}`),
      description: { "com.docker.dockerfile.v1.command": stage.source },
      location: { file, range: stage.range },
    },
  );
}

function parseBase(name: string, stage: Stage): Reference {
  try {
    return parseReference(name);
  } catch (error) {
    throw dockerfileError(`failed to parse stage name ${goQuote(name)}: ${messageOf(error)}`, stage.range, error);
  }
}

/** An image that is there for one platform only is taken for any, as BuildKit does, but not silently: its programs may not run. */
function lintOtherPlatform(name: string, config: ImageConfig, stage: Stage): void {
  const own = platformOfConfig(config);
  const wanted = stage.platform ?? stage.conversion.target;
  if (own.os === wanted.os && own.architecture === wanted.architecture) return;
  const [has, expected] = [formatPlatformFull(own), formatPlatformFull(wanted)].map((text) => goQuote(text));
  const message = `Base image ${name} was pulled with platform ${has}, expected ${expected} for current build`;
  stage.conversion.linter.report("InvalidBaseImagePlatform", stage.range, message);
}

/** When nobody asked for a platform, an image that is only there for another one decides, if this worker runs that. */
function detectPlatform(config: ImageConfig, wanted: Platform, runnable: readonly Platform[]): Platform {
  const own = platformOfConfig(config);
  if (own.os === wanted.os && own.architecture === wanted.architecture) return wanted;
  return runnable.find(({ os, architecture }) => os === own.os && architecture === own.architecture) ?? wanted;
}

function hasNoLayers(config: ImageConfig): boolean {
  return config.rootfs.diff_ids.length === 0 && (config.history ?? []).every((entry) => entry.empty_layer === true);
}
