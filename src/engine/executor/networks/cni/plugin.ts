import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { BuildError, messageOf } from "../../../../base/errors/mod.ts";
import { capture, type Spawner } from "../../../../base/process/mod.ts";

/** What runs plugins, and where they are. */
export interface PluginRunner {
  readonly spawner: Spawner;
  /** For the programs that plugins start themselves (`iptables`), as in the environment variable PATH. */
  readonly path: string;
}

/** One call of a plugin. */
export interface PluginCall {
  readonly command: "ADD" | "DEL";
  readonly type: string;
  /** Where plugins are looked for, first one first. */
  readonly directories: readonly string[];
  readonly containerId: string;
  /** Path of the network namespace. */
  readonly namespace: string;
  readonly interfaceName: string;
  readonly args: string;
  /** With name, version and previous result. */
  readonly config: object;
}

/** A plugin that says nothing for so long will not say anything any more. */
const patienceMs = 60_000;

/**
 * Runs a plugin.
 * @returns what it printed, as JSON; `undefined` when that is nothing
 * @throws {BuildError} `internal`, with libcni's words around the plugin's own
 * @see https://github.com/containernetworking/cni/blob/main/SPEC.md (section 2)
 */
export async function callPlugin(
  { spawner, path }: PluginRunner,
  call: PluginCall,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<unknown> {
  const { command, type, directories } = call;
  const program = directories.map((directory) => join(directory, type)).find((file) => existsSync(file));
  if (program === undefined) {
    throw new BuildError(
      "internal",
      `failed to find plugin ${JSON.stringify(type)} in path [${directories.join(" ")}]`,
    );
  }
  const failed = (why: string, cause?: unknown) =>
    new BuildError("internal", `plugin type=${JSON.stringify(type)} failed (${command.toLowerCase()}): ${why}`, {
      cause,
    });
  const patience = AbortSignal.timeout(patienceMs);
  const env = {
    PATH: path,
    CNI_COMMAND: command,
    CNI_CONTAINERID: call.containerId,
    CNI_NETNS: call.namespace,
    CNI_IFNAME: call.interfaceName,
    CNI_ARGS: call.args,
    CNI_PATH: directories.join(delimiter),
  };
  let done: Awaited<ReturnType<typeof capture>>;
  try {
    const stdin = Buffer.from(JSON.stringify(call.config));
    const limits = signal ? AbortSignal.any([signal, patience]) : patience;
    done = await capture(spawner, program, [], { env, cwd: "/", stdin, signal: limits });
  } catch (error) {
    signal?.throwIfAborted();
    throw failed(patience.aborted ? `no answer within ${patienceMs / 1000} s` : messageOf(error), error);
  }
  const { code, stdout, stderr } = done;
  if (code !== 0) throw failed(reasonIn(stdout) ?? (stderr.trim() || stdout.trim() || `exit code ${code}`));
  if (stdout.trim() === "") return undefined;
  try {
    return JSON.parse(stdout);
  } catch (cause) {
    throw failed(`its result is no JSON: ${messageOf(cause)}`, cause);
  }
}

/** What an error of the specification says. */
function reasonIn(stdout: string): string | undefined {
  try {
    const { msg, details } = JSON.parse(stdout) as Record<string, unknown>;
    if (typeof msg !== "string") return undefined;
    return typeof details === "string" && details !== "" ? `${msg}; ${details}` : msg;
  } catch {
    return undefined;
  }
}
