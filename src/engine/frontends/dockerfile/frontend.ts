import { detectSyntax, parseDockerfile, parseInstructions } from "../../../dockerfile/mod.ts";
import { marshal } from "../../../llb/mod.ts";
import { encodeImageConfig, formatPlatformFull, type Platform } from "../../../oci/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import type { Bridge, FrontendResult } from "../bridge.ts";
import { BuildContext, readIgnorePatterns } from "./build-context.ts";
import { type Converted, convert } from "./convert.ts";
import { readDefinitionFile } from "./definition-file.ts";
import { type DockerfileOptions, readOptions } from "./options.ts";
import { platformArgs, withGlobalArgs } from "./predefined-args.ts";
import { resultMetadata } from "./result-metadata.ts";
import { checkSyntax } from "./syntax.ts";

/**
 * The frontend `dockerfile.v0`: reads a Dockerfile from the client and makes one graph per platform of it.
 *
 * All platforms are converted side by side. Whatever they have in common (a stage on `$BUILDPLATFORM` that takes no `TARGET…` argument, the
 * build context) comes out as the same bytes, so the solver does it once.
 * @throws {BuildError} with the place in the Dockerfile, where there is one
 */
export async function dockerfileFrontend(bridge: Bridge, { signal }: { signal: AbortSignal }): Promise<FrontendResult> {
  const options = readOptions(bridge.options);
  const definitionFile = await readDefinitionFile(bridge, options, { signal });
  const { file } = definitionFile;
  if (file.bytes.length === 0) throw new BuildError("unknown", "the Dockerfile cannot be empty");
  const ignorePatterns = readIgnorePatterns(bridge, options, definitionFile, { signal });
  ignorePatterns.catch(() => undefined); // awaited below, unless the Dockerfile turns out to be wrong first
  const syntax = readAst(file.bytes, file.filename, options);
  const dockerfile = parseInstructions(syntax);
  warnOfIgnored(bridge, definitionFile.vertex, options, syntax);

  const [native] = bridge.platforms;
  if (!native) throw new Error("Internal error: the worker has no platform");
  const targets = options.platforms.length > 0 ? options.platforms : [native];
  const context = new BuildContext(bridge, options, await ignorePatterns);
  const stageName = options.target || (dockerfile.stages.at(-1)?.from.stageName ?? "");
  const converted = await Promise.all(
    targets.map(async (target) => {
      const predefined = platformArgs({ build: native, target, stage: stageName }, options.buildArgs);
      const globalArgs = withGlobalArgs(predefined, dockerfile.globalArgs, {
        buildArgs: options.buildArgs,
        escape: syntax.escape,
      });
      const conversion = {
        options,
        file,
        escape: syntax.escape,
        context,
        target,
        globalArgs,
        definition: definitionFile.vertex,
      };
      return { target, ...(await convert(dockerfile, conversion, bridge, { signal })) };
    }),
  );
  return toResult(converted, options);
}

function readAst(bytes: Uint8Array, filename: string, options: DockerfileOptions): ReturnType<typeof parseDockerfile> {
  const wanted = options.forwarded ? undefined : detectSyntax(bytes, { filename });
  if (!options.forwarded && options.syntax !== undefined)
    checkSyntax(options.syntax.trim().split(" ")[0] ?? "", undefined);
  else if (wanted) checkSyntax(wanted.ref, wanted.range);
  return parseDockerfile(bytes, { filename });
}

function warnOfIgnored(
  bridge: Bridge,
  vertex: Parameters<Bridge["warn"]>[0]["vertex"],
  options: DockerfileOptions,
  { directives }: ReturnType<typeof parseDockerfile>,
): void {
  const warn = (short: string, locations: Parameters<Bridge["warn"]>[0]["locations"] = []) =>
    bridge.warn({ short, locations, ...(vertex && { vertex }) });
  for (const name of options.unknown) warn(`Option ${JSON.stringify(name)} is not known and has no effect`);
  const check = directives.find((directive) => directive.name === "check");
  if (check) warn("Build checks are not run yet: the check directive has no effect", [check.range]);
  if (options.buildArgs["BUILDKIT_DOCKERFILE_CHECK"])
    warn("Build checks are not run yet: BUILDKIT_DOCKERFILE_CHECK has no effect");
}

function toResult(
  converted: readonly (Converted & { readonly target: Platform })[],
  options: DockerfileOptions,
): FrontendResult {
  const results = converted.map(({ target, state, image, baseConfig }) => ({
    id: formatPlatformFull(target),
    platform: target,
    definition: state.output && marshal(state),
    config: encodeImageConfig(image),
    baseConfig,
  }));
  return {
    refs: results.map(({ id, platform, definition }) => ({ id, platform, definition })),
    multiPlatform: options.multiPlatform,
    metadata: resultMetadata(results, options),
  };
}
