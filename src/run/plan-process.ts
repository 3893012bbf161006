import { BuildError } from "../base/errors/mod.ts";
import type { ContainerConfig } from "../oci/mod.ts";
import type { RunOptions } from "./run-options.ts";

/** A process as a container runs it. */
export interface ProcessPlan {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
}

/**
 * What to run, of what the image says and what was asked for instead, by Docker's rules.
 * @param lookup the environment, for variables that are named without a value
 * @throws {BuildError} `invalid_argument` when there is nothing to run, or the working directory is not absolute
 */
export function planProcess(
  image: ContainerConfig,
  options: Pick<RunOptions, "image" | "command" | "entrypoint" | "env" | "user" | "workdir" | "tty">,
  lookup: (name: string) => string | undefined,
): ProcessPlan {
  const { command, entrypoint, workdir } = options;
  // Another entry point has no use for the arguments of the image's own.
  const own = entrypoint === undefined ? (image.Cmd ?? []) : [];
  const first = entrypoint === undefined ? (image.Entrypoint ?? []) : entrypoint === "" ? [] : [entrypoint];
  const args = [...first, ...(command.length > 0 ? command : own)];
  if (args.length === 0) {
    throw new BuildError(
      "invalid_argument",
      `no command specified: image ${options.image} has neither an entry point nor a command, so say what to run`,
    );
  }
  if (workdir !== "" && !workdir.startsWith("/")) {
    throw new BuildError(
      "invalid_argument",
      `the working directory '${workdir}' is invalid, it needs to be an absolute path`,
    );
  }
  return {
    args,
    env: environment(image.Env ?? [], options, lookup),
    cwd: workdir || image.WorkingDir || "/",
    user: options.user || (image.User ?? ""),
  };
}

function environment(
  image: readonly string[],
  { env, tty }: Pick<RunOptions, "env" | "tty">,
  lookup: (name: string) => string | undefined,
): readonly string[] {
  const variables = new Map<string, string>();
  const set = (entry: string) => variables.set(nameOf(entry), entry);
  if (tty) set("TERM=xterm");
  for (const entry of image) set(entry);
  for (const entry of env) {
    if (nameOf(entry) === "") {
      throw new BuildError("invalid_argument", `invalid environment variable: ${JSON.stringify(entry)}`);
    }
    if (entry.includes("=")) {
      set(entry);
      continue;
    }
    // As with Docker: a name that is not set here is not set there either, whatever the image says.
    const value = lookup(entry);
    if (value === undefined) variables.delete(entry);
    else set(`${entry}=${value}`);
  }
  return [...variables.values()];
}

function nameOf(entry: string): string {
  const equals = entry.indexOf("=");
  return equals < 0 ? entry : entry.slice(0, equals);
}
