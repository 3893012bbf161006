import { BuildError, messageOf, type SourceRange } from "../../../base/errors/mod.ts";
import { suggestion } from "../../../base/text/suggest/mod.ts";
import {
  dockerfileError,
  EnvironmentList,
  expand,
  type ExpandOptions,
  ExpansionError,
  type Linter,
  type LintRuleName,
  type StageInstruction,
} from "../../../dockerfile/mod.ts";
import { scratch, type SourceFile, type State, type VertexOptions } from "../../../llb/mod.ts";
import { formatPlatformFull, type Platform } from "../../../oci/mod.ts";
import type { BuildContext } from "./contexts/build-context.ts";
import type { LocalDirectory } from "./contexts/local-directory.ts";
import type { NamedContext } from "./contexts/named-contexts.ts";
import type { DockerfileOptions } from "./options.ts";
import type { GraphSize } from "./graph-size.ts";
import { nonEnvironmentArgs } from "./predefined-args.ts";
import { type ArgParameter, StageParameters } from "./stage-parameters.ts";
import { stepPrefix, stepText } from "./step-names.ts";
import { emptyImage, ImageDraft } from "./image-draft.ts";

/** What all stages of one conversion share. */
export interface Conversion {
  readonly options: DockerfileOptions;
  readonly file: SourceFile;
  readonly escape: "\\" | "`";
  readonly context: BuildContext;
  readonly linter: Linter;
  /** The platform that is being built for. */
  readonly target: Platform;
  /** `SOURCE_DATE_EPOCH`, in seconds. */
  readonly epochSeconds: bigint | undefined;
  /** Predefined arguments and those in front of the first FROM. */
  readonly globalArgs: EnvironmentList;
  /** Those in front of the first FROM, as parameters. */
  readonly globalParameters: ReadonlyMap<string, ArgParameter>;
  readonly graphSize: GraphSize;
}

/** An instruction of a stage, with the stages that it takes files from. */
export interface PlannedStep {
  readonly instruction: StageInstruction;
  /** COPY: the stage of `--from`. RUN: one per mount, `undefined` where a mount takes from the build context or from nothing. */
  readonly sources: readonly (Stage | undefined)[];
  /** A trigger of the base image. */
  readonly onbuild: boolean;
}

/** An ARG in effect. */
export interface ArgInEffect {
  readonly key: string;
  readonly value: string | undefined;
}

/** Findings beyond which nobody is told what may have been meant. */
const maxHints = 500;

/** Names that a mistyped one is compared with, at most. */
const maxSuggestions = 1000;

/** Far more than Linux gives to a process. */
const maxEnvironmentLength = 8 * 1024 * 1024;

/**
 * A stage on its way from instructions to a graph.
 *
 * Its life: made for each FROM (and for each image that `--from` names), bound to its base, given its steps, {@link begin} once the base is known;
 * then the steps change it one by one. It stands for one platform in one conversion and is the only thing here that changes.
 */
export class Stage {
  readonly conversion: Conversion;
  /** After expansion: a stage, an image or `scratch`. Pinned to a digest once resolved. */
  baseName: string;
  /** From `AS`, lower case. */
  readonly declaredName: string | undefined;
  /** As step names show it; empty in a file with one stage. */
  displayName: string;
  /** Made for an image that `--from` names: has no steps. */
  readonly isImage: boolean;
  /** Of the FROM line, or of the instruction that names the image. */
  readonly range: SourceRange;
  readonly source: string;
  /** Above the FROM line. */
  readonly comments: readonly string[];
  /** Stands in place of the whole stage: its FROM line and its steps do not count. */
  replacement: NamedContext | undefined;
  /** What the stage starts from, where that is a directory of the client: has to be told what is used of it. */
  directory: LocalDirectory | undefined;
  /** The stage that this one goes on from. */
  base: Stage | undefined;
  /** From `--platform`, later the one it really has. */
  platform: Platform | undefined;
  steps: PlannedStep[] = [];
  /** Steps that are counted in names. */
  totalSteps = 0;
  /** Of all that was set, what was set again included. */
  #environmentLength = 0;
  #links = 0;
  /** Steps named so far. */
  #namedSteps = 0;
  /** Its base image has been looked up. */
  resolved = false;
  /** Its steps have been done: others may take from it. */
  done = false;
  /** What is to be looked through by whoever lists what the result was made with: this stage, or its build context if it is the target. */
  scanned: { readonly stage: boolean; readonly context: boolean } = { stage: false, context: false };
  /** Triggers of its base stage have been taken over. */
  triggersTaken = false;

  state: State = scratch;
  /** What the image will say. */
  image: ImageDraft;
  /** The base image's own config, bytes as stored. */
  baseConfig: Uint8Array | undefined;
  /** Variables of the processes: those of the image, and arguments. */
  environment: EnvironmentList = new EnvironmentList();
  user = "";
  args: ArgInEffect[] = [];
  /** Where CMD, ENTRYPOINT and HEALTHCHECK stand that were given in this stage so far: the last one counts. */
  readonly given = new Map<string, SourceRange>();
  /** Some WORKDIR has been given here or in a stage that this one goes on from: what a relative one means is known. */
  workdirGiven = false;
  /** What people can choose for this stage. */
  readonly parameters: StageParameters;
  /** The instruction that is being done. */
  #current: { readonly range: SourceRange; readonly comments: readonly string[] };

  constructor(
    conversion: Conversion,
    from: {
      readonly baseName: string;
      readonly declaredName?: string | undefined;
      readonly displayName: string;
      readonly isImage: boolean;
      readonly platform?: Platform | undefined;
      readonly range: SourceRange;
      readonly source: string;
      readonly comments?: readonly string[];
      readonly parameters?: StageParameters;
    },
  ) {
    this.conversion = conversion;
    this.baseName = from.baseName;
    this.declaredName = from.declaredName;
    this.displayName = from.displayName;
    this.isImage = from.isImage;
    this.platform = from.platform;
    this.range = from.range;
    this.source = from.source;
    this.comments = from.comments ?? [];
    this.#current = { range: this.range, comments: this.comments };
    this.parameters = from.parameters ?? new StageParameters();
    this.image = new ImageDraft(emptyImage(conversion.target));
  }

  /** From now on, what is found is about this instruction. */
  enter(instruction: { readonly range: SourceRange; readonly comments: readonly string[] }): void {
    this.#current = instruction;
  }

  /** Tells what is likely a mistake in the instruction at hand, or at another place. */
  lint(rule: LintRuleName, message: string, range: SourceRange = this.#current.range): void {
    this.conversion.linter.report(rule, range, message, this.#current.comments);
  }

  /** Absolute. */
  get workingDirectory(): string {
    return this.image.settings.WorkingDir || "/";
  }

  /** The platform of its steps. */
  get effectivePlatform(): Platform {
    return this.platform ?? this.conversion.target;
  }

  get ignoreCache(): boolean {
    return this.conversion.options.noCache(this.declaredName);
  }

  /** @throws {Error} with BuildKit's words */
  expand(word: string): string {
    return this.#expand(word, { environment: this.environment, escape: this.conversion.escape });
  }

  #expand(word: string, options: ExpandOptions): string {
    try {
      const { text, unmatched } = expand(word, options);
      this.#lintUnmatched(unmatched);
      return text;
    } catch (error) {
      if (error instanceof ExpansionError) this.#lintUnmatched(error.unmatched);
      throw error;
    }
  }

  /** Variables that nobody has set or declared. */
  #lintUnmatched(unmatched: ReadonlySet<string>): void {
    if (unmatched.size === 0 || this.conversion.linter.full) return;
    const declared = new Set(this.args.map(({ key }) => key));
    const { findings } = this.conversion.linter;
    const names = findings.length < maxHints ? this.environment.names().slice(0, maxSuggestions) : [];
    for (const name of unmatched) {
      if (nonEnvironmentArgs.has(name) || declared.has(name)) continue;
      const near = suggestion(name, names);
      const hint = near === undefined ? "" : ` (did you mean $${near}?)`;
      this.lint("UndefinedVar", `Usage of undefined variable '$${name}'${hint}`);
    }
  }

  /** Replaces variables in a document: quotes are no more than characters there. @throws {Error} with BuildKit's words */
  expandDocument(content: string, maxLength: number): string {
    return this.#expand(content, { environment: this.environment, ignoreQuotes: true, maxLength });
  }

  /** Forgets what only stages that go on from this one would want: there may be thousands of stages. */
  giveAway(): void {
    this.image = new ImageDraft(emptyImage(this.conversion.target));
    this.environment = new EnvironmentList();
    this.args = [];
  }

  /** Names the two vertices of a linked copy as one for people; unlike any other of the build. */
  linkId(): string {
    return `link ${formatPlatformFull(this.conversion.target)} ${this.range.start.line} ${++this.#links}`;
  }

  /** Sets a variable of the processes that follow. */
  setVariable(name: string, value: string): void {
    this.#environmentLength += name.length + value.length;
    if (this.#environmentLength > maxEnvironmentLength) {
      throw new Error(`variables set by ENV and ARG are longer than ${maxEnvironmentLength} characters`);
    }
    this.environment.set(name, value);
  }

  /** Adds a line to the image's history. */
  record(createdBy: string, options: { readonly layer: boolean }): void {
    this.image.record(createdBy, { ...options, epochSeconds: this.conversion.epochSeconds });
  }

  /** Counts one step and gives its name. */
  stepName(text: string, onbuild = false): string {
    if (this.totalSteps === 0) return text;
    const prefix = stepPrefix({
      platform: this.conversion.options.multiPlatform ? this.effectivePlatform : undefined,
      environment: this.environment,
      name: this.displayName,
      index: ++this.#namedSteps,
      total: this.totalSteps,
    });
    return prefix + (onbuild ? "ONBUILD " : "") + text;
  }

  /** What a step's vertex says about itself. */
  vertexOptions(
    step: PlannedStep,
    options: {
      readonly keepQuotes: boolean;
      readonly suffix?: string;
      /** Variables whose values are not shown: the client holds them. */
      readonly masked?: readonly string[];
    },
  ): VertexOptions {
    const { conversion } = this;
    const { masked = [] } = options;
    const environment = masked.length > 0 ? this.environment.copy() : this.environment;
    for (const name of masked) environment.set(name, "****");
    const { instruction } = step;
    const text = stepText(instruction.source + (options.suffix ?? ""), {
      environment,
      escape: conversion.escape,
      keepQuotes: options.keepQuotes,
    });
    return {
      name: this.stepName(text, step.onbuild),
      description: { "com.docker.dockerfile.v1.command": instruction.source },
      location: { file: conversion.file, range: instruction.range },
      ...(this.ignoreCache && { ignoreCache: true }),
    };
  }

  /** Failures inside `work` are told with this stage's, or the instruction's, place. */
  located<T>(range: SourceRange, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw withLocation(error, range);
    }
  }
}

/** The same failure, with a place where it had none. */
export function withLocation(error: unknown, range: SourceRange): unknown {
  if (!(error instanceof BuildError))
    return error instanceof TypeError || error instanceof RangeError
      ? error
      : dockerfileError(messageOf(error), range, error);
  if (error.location) return error;
  return new BuildError(error.code, error.message, { cause: error, location: range, details: error.details });
}
