import type { SourceRange } from "../../base/errors/mod.ts";
import type { RunMountText } from "./mounts.ts";

/** What every instruction has. */
export interface InstructionBase {
  /** Keyword as written. */
  readonly keyword: string;
  /** The whole instruction as written, continuations joined, heredocs left out. */
  readonly source: string;
  readonly range: SourceRange;
  /** Comment lines above it, without `#`. */
  readonly comments: readonly string[];
}

/** A command for a shell, or the argument vector itself. */
export interface CommandLine {
  /** `shell`: one text for the shell. `exec`: the arguments. */
  readonly form: "shell" | "exec";
  readonly args: readonly string[];
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** Written in the old form `KEY value`. */
  readonly legacy: boolean;
}

/** A file whose content stands in the Dockerfile. */
export interface InlineFile {
  readonly name: string;
  readonly content: string;
  /** Whether variables in the content count. */
  readonly expand: boolean;
}

export interface FromInstruction extends InstructionBase {
  readonly type: "from";
  /** Before expansion. */
  readonly base: string;
  /** Lower case. */
  readonly stageName: string | undefined;
  /** `--platform`, before expansion. */
  readonly platform: string | undefined;
}

export interface ArgInstruction extends InstructionBase {
  readonly type: "arg";
  readonly args: readonly { readonly key: string; readonly value: string | undefined }[];
}

export interface EnvInstruction extends InstructionBase {
  readonly type: "env";
  readonly pairs: readonly KeyValue[];
}

export interface LabelInstruction extends InstructionBase {
  readonly type: "label";
  readonly pairs: readonly KeyValue[];
}

export interface RunInstruction extends InstructionBase {
  readonly type: "run";
  readonly command: CommandLine;
  /** Heredocs, in order; their marks are part of the command. */
  readonly files: readonly { readonly name: string; readonly content: string; readonly chomp: boolean }[];
  readonly mounts: readonly RunMountText[];
  /** CDI devices. */
  readonly devices: readonly { readonly name: string; readonly required: boolean }[];
  readonly network: "default" | "none" | "host";
  readonly security: "sandbox" | "insecure";
}

/** COPY and ADD. */
export interface CopySources {
  readonly sources: readonly string[];
  readonly inlineFiles: readonly InlineFile[];
  readonly destination: string;
  readonly chown: string | undefined;
  readonly chmod: string | undefined;
  readonly exclude: readonly string[];
  readonly link: boolean;
}

export interface CopyInstruction extends InstructionBase, CopySources {
  readonly type: "copy";
  readonly from: string | undefined;
  readonly parents: boolean;
}

export interface AddInstruction extends InstructionBase, CopySources {
  readonly type: "add";
  readonly checksum: string | undefined;
  readonly keepGitDir: boolean | undefined;
  readonly unpack: boolean | undefined;
}

export interface WorkdirInstruction extends InstructionBase {
  readonly type: "workdir";
  readonly path: string;
}

export interface UserInstruction extends InstructionBase {
  readonly type: "user";
  readonly user: string;
}

export interface CmdInstruction extends InstructionBase {
  readonly type: "cmd";
  readonly command: CommandLine;
}

export interface EntrypointInstruction extends InstructionBase {
  readonly type: "entrypoint";
  readonly command: CommandLine;
}

export interface ExposeInstruction extends InstructionBase {
  readonly type: "expose";
  readonly ports: readonly string[];
}

export interface VolumeInstruction extends InstructionBase {
  readonly type: "volume";
  readonly volumes: readonly string[];
}

export interface StopSignalInstruction extends InstructionBase {
  readonly type: "stopsignal";
  readonly signal: string;
}

export interface ShellInstruction extends InstructionBase {
  readonly type: "shell";
  readonly shell: readonly string[];
}

export interface HealthcheckInstruction extends InstructionBase {
  readonly type: "healthcheck";
  /** As the image config has it: `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`. */
  readonly test: readonly string[];
  /** Nanoseconds; 0 leaves it to the runtime. */
  readonly intervalNs: number;
  readonly timeoutNs: number;
  readonly startPeriodNs: number;
  readonly startIntervalNs: number;
  readonly retries: number;
}

export interface OnbuildInstruction extends InstructionBase {
  readonly type: "onbuild";
  /** The instruction to run later, heredocs included. */
  readonly trigger: string;
}

export interface MaintainerInstruction extends InstructionBase {
  readonly type: "maintainer";
  readonly maintainer: string;
}

/** An instruction that stands inside a stage. */
export type StageInstruction =
  | AddInstruction
  | ArgInstruction
  | CmdInstruction
  | CopyInstruction
  | EntrypointInstruction
  | EnvInstruction
  | ExposeInstruction
  | HealthcheckInstruction
  | LabelInstruction
  | MaintainerInstruction
  | OnbuildInstruction
  | RunInstruction
  | ShellInstruction
  | StopSignalInstruction
  | UserInstruction
  | VolumeInstruction
  | WorkdirInstruction;

export type Instruction = FromInstruction | StageInstruction;

/** A FROM and what follows it. */
export interface Stage {
  readonly from: FromInstruction;
  readonly instructions: readonly StageInstruction[];
}

/** A Dockerfile, understood. */
export interface Dockerfile {
  /** Before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[];
  /** At least one. */
  readonly stages: readonly Stage[];
}
