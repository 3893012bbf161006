import { chompTabs, parseHeredocMark, type RunInstruction } from "../../../../dockerfile/mod.ts";
import type { ExecMount } from "../../../../llb/mod.ts";
import { proxySettings } from "../predefined-args.ts";
import type { PlannedStep, Stage } from "../stage.ts";
import { argumentsOf } from "./command-line.ts";
import { inlineDocument } from "./copy-files.ts";
import { runMounts } from "./run-mounts.ts";

/** Runs a process; what it leaves in the filesystem is a layer. */
export function applyRun(stage: Stage, instruction: RunInstruction, step: PlannedStep): void {
  const { options } = stage.conversion;
  const { args, mounts: documents, suffix } = processOf(stage, instruction);
  if (args.length === 0) throw new Error("RUN requires at least one argument");
  const proxy = proxySettings(options.buildArgs);
  const shm: ExecMount[] =
    options.shmSizeBytes > 0 ? [{ type: "tmpfs", target: "/dev/shm", sizeBytes: options.shmSizeBytes }] : [];
  const { mounts: given, secretVariables } = runMounts(stage, instruction, step.sources);
  const mounts = [...documents, ...given, ...shm];
  const masked = secretVariables.map(({ name }) => name);
  const env = stage.environment.toArray();
  stage.conversion.graphSize.add(env);
  stage.state = stage.state.run(
    {
      args,
      env,
      cwd: stage.workingDirectory,
      user: stage.user,
      platform: stage.effectivePlatform,
      mounts,
      secretVariables,
      devices: instruction.devices,
      network: instruction.network === "default" ? options.network : instruction.network,
      security: instruction.security,
      hostname: options.hostname,
      extraHosts: options.extraHosts,
      ulimits: options.ulimits,
      cgroupParent: options.cgroupParent,
      ...(proxy && { proxy }),
    },
    {
      ...stage.vertexOptions(step, { keepQuotes: true, suffix, masked }),
      ...(options.resources && { resources: options.resources }),
    },
  );
  stage.record(`RUN ${[...argumentTexts(stage), ...args].join(" ")} # buildkit`, { layer: true });
}

/** What is run, and where a document in the Dockerfile is part of it, how. */
interface RunProcess {
  readonly args: readonly string[];
  readonly mounts: readonly ExecMount[];
  /** For the step's name. */
  readonly suffix: string;
}

function processOf(stage: Stage, { command, files }: RunInstruction): RunProcess {
  const [file] = files;
  if (!file) return { args: argumentsOf(stage, command), mounts: [], suffix: "" };
  const [line = ""] = command.args;
  if (!parseHeredocMark(line)) {
    // The shell knows what to do with them.
    const whole = [line, ...files.map(({ name, content }) => `${content}${name}`)].join("\n");
    return { args: argumentsOf(stage, { form: "shell", args: [whole] }), mounts: [], suffix: "" };
  }
  const script = file.chomp ? chompTabs(file.content) : file.content;
  const suffix = ` (${summary(file.content)})`;
  if (!script.startsWith("#!"))
    return { args: argumentsOf(stage, { form: "shell", args: [script] }), mounts: [], suffix };
  const document = inlineDocument(`/${file.name}`, script, 0o755);
  const mounts: ExecMount[] = [{ type: "bind", target: "/dev/pipes/", from: document, readonly: true }];
  return { args: [`/dev/pipes/${file.name}`], mounts, suffix };
}

/** The first line of a document, for people. */
function summary(content: string): string {
  const [first = "", ...rest] = content.trim().split(/\r?\n/);
  return rest.length > 0 ? `${first}...` : first;
}

/** Arguments in effect as the history shows them: `|2 A=1 B=2`. */
function argumentTexts(stage: Stage): readonly string[] {
  const values = new Map<string, string>();
  for (const { key, value } of stage.args) values.set(key, stage.environment.get(key) ?? value ?? "");
  if (values.size === 0) return [];
  return [`|${values.size}`, ...[...values].map(([key, value]) => `${key}=${value}`)];
}
