import { messageOf, type SourceRange } from "../../../base/errors/mod.ts";
import {
  detectSyntax,
  type Dockerfile,
  dockerfileError,
  type DockerfileAst,
  type EnvironmentList,
  Linter,
  type LintOptions,
  parseDockerfile,
  parseInstructions,
  parseLintOptions,
} from "../../../dockerfile/mod.ts";
import type { SourceFile } from "../../../llb/mod.ts";
import type { Platform } from "../../../oci/mod.ts";
import type { Bridge } from "../bridge.ts";
import type { BuildContext } from "./contexts/build-context.ts";
import { type Converted, convert } from "./convert.ts";
import { epochArg, resolveEpoch } from "./epoch/mod.ts";
import { lintDefaultBases } from "./from-checks.ts";
import { GraphSize } from "./graph-size.ts";
import type { DockerfileOptions } from "./options.ts";
import { platformArgs, withGlobalArgs } from "./predefined-args.ts";
import { isBuiltinFrontend } from "./syntax.ts";

/** A Dockerfile that was read and understood, before it is converted for any platform. */
export interface Definition {
  readonly file: SourceFile;
  readonly ast: DockerfileAst;
  readonly dockerfile: Dockerfile;
}

/**
 * Which rules count: what the build argument says, else the file's own directive.
 * @throws {BuildError} `failed to parse …: invalid check option "x"`
 */
export function lintOptionsOf(file: SourceFile, options: DockerfileOptions): LintOptions {
  const given = Object.hasOwn(options.buildArgs, checkArg) ? options.buildArgs[checkArg] : undefined;
  const directive = given === undefined ? detectDirective(file) : undefined;
  try {
    return parseLintOptions(given ?? directive ?? "");
  } catch (error) {
    const what = given === undefined ? "check options" : `build-arg:${checkArg}`;
    throw dockerfileError(`failed to parse ${what}: ${messageOf(error)}`, undefined, error);
  }
}

const checkArg = "BUILDKIT_DOCKERFILE_CHECK";

const detectDirective = (file: SourceFile) => detectSyntax(file.bytes, { ...file, name: "check" })?.ref;

/** A frontend that is not the one that is built in. */
export interface OtherFrontend {
  /** Of its image. */
  readonly ref: string;
  /** All that was said: reference and arguments. */
  readonly commandLine: string;
  /** The line that says so; without it, the request did. */
  readonly range: SourceRange | undefined;
}

/** The frontend that the request, or else the file, wants instead of the one that is built in; none where an image has asked for that. */
export function otherFrontend(file: SourceFile, options: DockerfileOptions): OtherFrontend | undefined {
  if (options.forwarded) return undefined;
  const syntax = options.syntax?.trim();
  const wanted =
    syntax === undefined
      ? detectSyntax(file.bytes, file)
      : { ref: syntax.split(" ")[0] ?? "", commandLine: syntax, range: undefined };
  return wanted && !isBuiltinFrontend(wanted.ref) ? wanted : undefined;
}

/**
 * Reads a Dockerfile.
 * @param linter is told what is written in a way that it should not be, also when reading fails later
 * @throws {BuildError} with the place
 */
export function readDefinition(file: SourceFile, linter: Linter): Definition {
  const ast = parseDockerfile(file.bytes, file);
  return { file, ast, dockerfile: parseInstructions(ast, { linter }) };
}

/** What converting a {@link Definition} takes. */
export interface ConvertOptions {
  readonly options: DockerfileOptions;
  readonly bridge: Bridge;
  readonly context: BuildContext;
  readonly native: Platform;
  readonly target: Platform;
  readonly linter: Linter;
  /** Also those that the target does not need. */
  readonly allStages?: boolean;
  readonly signal: AbortSignal;
}

/** Converts for one platform. @throws {BuildError} with the place */
export async function convertFor(definition: Definition, given: ConvertOptions): Promise<Converted> {
  const { file, ast, dockerfile } = definition;
  const { options, bridge, context, native, target, linter, allStages = false, signal } = given;
  const stage = options.target || (dockerfile.stages.at(-1)?.from.stageName ?? "");
  const predefined = platformArgs({ build: native, target, stage }, options.buildArgs);
  const { escape } = ast;
  lintBases(dockerfile, predefined, { escape, linter });
  const { buildArgs } = options;
  const { environment, parameters } = withGlobalArgs(predefined, dockerfile.globalArgs, { buildArgs, escape });
  const epochSeconds = await settleEpoch(options, environment, (value) =>
    resolveEpoch(value, { dockerfile, buildArgs, globalArgs: environment, escape, context, bridge, target, signal }),
  );
  const conversion = {
    options: withEpoch(options, epochSeconds),
    epochSeconds,
    file,
    escape,
    context,
    target,
    linter,
    globalArgs: environment,
    globalParameters: parameters,
    graphSize: new GraphSize(),
  };
  return await convert(dockerfile, conversion, bridge, { signal, allStages });
}

/** Resolves the epoch that the request, or else the Dockerfile, gives, and puts what it means in its place. */
async function settleEpoch(
  { buildArgs }: DockerfileOptions,
  globalArgs: EnvironmentList,
  resolve: (value: string) => Promise<bigint | undefined>,
): Promise<bigint | undefined> {
  const value = Object.hasOwn(buildArgs, epochArg) ? buildArgs[epochArg] : globalArgs.get(epochArg);
  const seconds = value ? await resolve(value) : undefined;
  if (globalArgs.get(epochArg) === undefined) return seconds;
  if (seconds === undefined) globalArgs.delete(epochArg);
  else globalArgs.set(epochArg, String(seconds));
  return seconds;
}

function withEpoch(options: DockerfileOptions, seconds: bigint | undefined): DockerfileOptions {
  if (!Object.hasOwn(options.buildArgs, epochArg)) return options;
  const { [epochArg]: _, ...buildArgs } = options.buildArgs;
  return { ...options, buildArgs: seconds === undefined ? buildArgs : { ...buildArgs, [epochArg]: String(seconds) } };
}

function lintBases(
  dockerfile: Dockerfile,
  predefined: ReturnType<typeof platformArgs>,
  { escape, linter }: { escape: "\\" | "`"; linter: Linter },
): void {
  let defaults: ReturnType<typeof platformArgs>;
  try {
    defaults = withGlobalArgs(predefined, dockerfile.globalArgs, { buildArgs: {}, escape }).environment;
  } catch {
    return; // the same failure comes again, with the arguments that count
  }
  lintDefaultBases(dockerfile, { defaults, escape, linter });
}
