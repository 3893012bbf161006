import { goQuote } from "../../../base/text/go-values/mod.ts";
import { BuildError, isAbort } from "../../../base/errors/mod.ts";
import { formatFinding, Linter, type LintFinding } from "../../../dockerfile/mod.ts";
import { definitionJson, marshal } from "../../../llb/mod.ts";
import { encodeImageConfig, formatPlatformFull, type Platform } from "../../../oci/mod.ts";
import type { Bridge, FrontendResult } from "../bridge.ts";
import { openBuildContext } from "./contexts/build-context.ts";
import type { Converted } from "./convert.ts";
import { convertFor, lintOptionsOf, readDefinition, type OtherFrontend, otherFrontend } from "./definition.ts";
import { type DefinitionFile, readDefinitionFile } from "./definition-file.ts";
import { type DockerfileOptions, readOptions } from "./options.ts";
import { answerRequest } from "./requests/mod.ts";
import { resultMetadata } from "./result-metadata.ts";
import { scanHints } from "./scan-hints.ts";

/**
 * The frontend `dockerfile.v0`: reads a Dockerfile from the client and makes one graph per platform of it, or answers a question about it.
 *
 * All platforms are converted side by side. Whatever they have in common (a stage on `$BUILDPLATFORM` that takes no `TARGET…` argument, the
 * build context) comes out as the same bytes, so the solver does it once.
 * @throws {BuildError} with the place in the Dockerfile, where there is one
 */
export async function dockerfileFrontend(bridge: Bridge, { signal }: { signal: AbortSignal }): Promise<FrontendResult> {
  const options = readOptions(bridge.options);
  const definitionFile = await readDefinitionFile(bridge, options, { signal });
  try {
    return await answer(bridge, definitionFile, options, signal);
  } catch (error) {
    throw withOrigin(error, definitionFile);
  }
}

async function answer(
  bridge: Bridge,
  definitionFile: DefinitionFile,
  options: DockerfileOptions,
  signal: AbortSignal,
): Promise<FrontendResult> {
  const other = otherFrontend(definitionFile.file, options);
  if (other) return await forward(bridge, other, { signal });
  warnOfUnknown(bridge, definitionFile, options);
  if (options.request !== "") return await answerRequest(definitionFile, { options, bridge, signal });
  return await build(bridge, definitionFile, options, signal);
}

/** A failure whose place in the Dockerfile also says where that was read from. */
function withOrigin(error: unknown, { file: { filename, language, definition } }: DefinitionFile): unknown {
  if (!(error instanceof BuildError) || error.location?.filename !== filename) return error;
  const { code, message, details } = error;
  const origin = definition && { definition: definitionJson(definition) };
  return new BuildError(code, message, {
    cause: error,
    details,
    location: { ...error.location, language, ...origin },
  });
}

/** Has the frontend that the Dockerfile asks for do all the work. What goes wrong before it says so itself is shown at the line that names it. */
async function forward(
  bridge: Bridge,
  { ref, commandLine, range }: OtherFrontend,
  { signal }: { signal: AbortSignal },
): Promise<FrontendResult> {
  try {
    return await bridge.runFrontend({ ...bridge.options, source: ref, cmdline: commandLine }, { signal });
  } catch (error) {
    if (!range || isAbort(error) || !(error instanceof BuildError)) throw error;
    const isPlaced = error.location || error.details.some(({ typeUrl }) => typeUrl.includes("errdefs.Source"));
    if (isPlaced) throw error;
    throw new BuildError(error.code, error.message, { cause: error, details: error.details, location: range });
  }
}

async function build(
  bridge: Bridge,
  definitionFile: DefinitionFile,
  options: DockerfileOptions,
  signal: AbortSignal,
): Promise<FrontendResult> {
  const { file } = definitionFile;
  if (file.bytes.length === 0) throw new BuildError("unknown", "the Dockerfile cannot be empty");
  const lintOptions = lintOptionsOf(file, options);
  const opening = openBuildContext(bridge, options, definitionFile, { signal });
  opening.catch(() => undefined); // awaited below, unless the Dockerfile turns out to be wrong first
  const [native] = bridge.platforms;
  if (!native) throw new Error("Internal error: the worker has no platform");
  const targets = options.platforms.length > 0 ? options.platforms : [native];
  const linters = targets.map(() => new Linter(lintOptions));
  try {
    const definition = readDefinition(file, linters[0] as Linter);
    const context = await opening;
    const converted = await Promise.all(
      targets.map(async (target, at) => {
        const linter = linters[at] as Linter;
        const given = { options, bridge, context, native, target, linter, signal };
        return { target, ...(await convertFor(definition, given)) };
      }),
    );
    return toResult(converted, options);
  } finally {
    warnOf(linters, bridge, definitionFile);
  }
}

/** What is wrong is told once, not for each platform; only whether a base image is made for it differs. */
function warnOf([first, ...others]: readonly Linter[], bridge: Bridge, { vertex }: DefinitionFile): void {
  const findings: LintFinding[] = [
    ...(first?.findings ?? []),
    ...others.flatMap(({ findings }) => findings.filter(({ rule }) => rule === "InvalidBaseImagePlatform")),
  ];
  for (const finding of findings) {
    bridge.warn({
      short: formatFinding(finding),
      detail: [finding.description],
      ...(finding.url !== "" && { url: finding.url }),
      locations: [finding.range],
      ...(vertex && { vertex }),
    });
  }
}

function warnOfUnknown(bridge: Bridge, { vertex }: DefinitionFile, { unknown }: DockerfileOptions): void {
  for (const name of unknown) {
    const short = `Option ${goQuote(name)} is not known and has no effect`;
    bridge.warn({ short, locations: [], ...(vertex && { vertex }) });
  }
}

function toResult(
  converted: readonly (Converted & { readonly target: Platform })[],
  options: DockerfileOptions,
): FrontendResult {
  const results = converted.map(({ target, state, image, baseConfig, stage, needed }) => ({
    id: formatPlatformFull(target),
    platform: target,
    definition: state.output && marshal(state),
    scan: scanHints(stage, needed),
    config: encodeImageConfig(image),
    baseConfig,
    epochSeconds: stage.conversion.epochSeconds,
  }));
  return {
    refs: results.map(({ id, platform, definition, scan }) => ({ id, platform, definition, scan })),
    multiPlatform: options.multiPlatform,
    metadata: resultMetadata(results, options),
  };
}
