import type { Duplex } from "node:stream";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import type { EngineConnection } from "./connection.ts";
import { demultiplexed, frames } from "./multiplexed.ts";
import { text } from "./text.ts";

/** What every call takes. */
export interface EngineCall {
  readonly signal: AbortSignal;
}

/** What an engine says of a container, as far as anybody asks. */
export interface ContainerState {
  readonly id: string;
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  readonly status: string;
  readonly running: boolean;
  /** How often the engine has started it anew since somebody last did. */
  readonly restarts: number;
  readonly image: string;
  /** Names of the volumes that it uses. */
  readonly volumes: readonly string[];
}

/** The body of `containers/create`, in the API's own spelling. */
export type ContainerSpec = Readonly<Record<string, unknown>> & { readonly Image: string };

/** What a program that ran in a container left. */
export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How much of a program's output or of a container's log is kept. */
const maxOutputBytes = 64 * 1024;

/** The containers of an engine. Where a container is named and there is none, calls throw `not_found`. */
export class EngineContainers {
  readonly #connection: EngineConnection;
  constructor(connection: EngineConnection) {
    this.#connection = connection;
  }
  /** @returns `false` when there is one of that name already, which is left as it is */
  async create(name: string, spec: ContainerSpec, { signal }: EngineCall): Promise<boolean> {
    const request = { method: "POST", path: "/containers/create", query: { name }, json: spec, signal } as const;
    try {
      await this.#connection.json(request);
      return true;
    } catch (error) {
      if (error instanceof BuildError && error.code === "already_exists") return false;
      throw error;
    }
  }
  /** @returns `undefined` when there is none of that name */
  async inspect(name: string, { signal }: EngineCall): Promise<ContainerState | undefined> {
    const json = await ifFound(this.#connection.json({ method: "GET", path: `${pathOf(name)}/json`, signal }));
    if (!json) return undefined;
    const state = (json.State ?? {}) as { Running?: unknown; Status?: unknown };
    const mounts = (Array.isArray(json.Mounts) ? json.Mounts : []) as { Type?: unknown; Name?: unknown }[];
    return {
      id: text(json.Id),
      status: text(state.Status),
      running: state.Running === true,
      restarts: typeof json.RestartCount === "number" ? json.RestartCount : 0,
      image: text((json.Config as { Image?: unknown } | undefined)?.Image),
      volumes: mounts.flatMap(({ Name }) => (typeof Name === "string" && Name !== "" ? [Name] : [])),
    };
  }
  /** Starting one that runs does nothing. */
  async start(name: string, { signal }: EngineCall): Promise<void> {
    await this.#connection.done({ method: "POST", path: `${pathOf(name)}/start`, signal });
  }
  /** Lets it end in its own time, and kills it after that. Stopping one that has ended does nothing. */
  async stop(name: string, { signal }: EngineCall): Promise<void> {
    await this.#connection.done({ method: "POST", path: `${pathOf(name)}/stop`, signal });
  }
  /** Removes it with its nameless volumes; one that runs only with `force`. None of that name is fine too. */
  async remove(name: string, { signal, force = false }: EngineCall & { readonly force?: boolean }): Promise<void> {
    const query = { v: "1", ...(force ? { force: "1" } : {}) };
    await ifFound(this.#connection.done({ method: "DELETE", path: pathOf(name), query, signal }));
  }
  /** Unpacks a tar in it, running or not. */
  async putArchive(
    name: string,
    archive: AsyncIterable<Uint8Array>,
    { signal, path }: EngineCall & { readonly path: string },
  ): Promise<void> {
    await this.#connection.done({
      method: "PUT",
      path: `${pathOf(name)}/archive`,
      query: { path, noOverwriteDirNonDir: "true" },
      headers: { "content-type": "application/x-tar" },
      body: archive,
      signal,
    });
  }
  /** The last that it wrote, on stdout and stderr alike. */
  async logs(name: string, { signal }: EngineCall): Promise<string> {
    const query = { stdout: "1", stderr: "1", tail: "200" };
    const { body } = await this.#connection.granted({ method: "GET", path: `${pathOf(name)}/logs`, query, signal });
    let text = "";
    for await (const { data } of frames(body)) text = (text + data.toString("utf8")).slice(-maxOutputBytes);
    return text;
  }
  /** Runs a program in it to its end. */
  async exec(name: string, command: readonly string[], { signal }: EngineCall): Promise<ExecResult> {
    const id = await this.#createExec(name, command, { signal, stdin: false });
    const connection = await this.#startExec(id, { signal });
    const end = () => void connection.destroy();
    signal.addEventListener("abort", end, { once: true });
    const said = { stdout: "", stderr: "", error: "" };
    try {
      for await (const { kind, data } of frames(connection)) {
        said[kind] = (said[kind] + data.toString("utf8")).slice(-maxOutputBytes);
      }
    } catch (cause) {
      signal.throwIfAborted();
      throw new BuildError("unavailable", `the Docker Engine hung up: ${messageOf(cause)}`, { cause });
    } finally {
      signal.removeEventListener("abort", end);
    }
    signal.throwIfAborted();
    const { ExitCode } = await this.#connection.json({ method: "GET", path: `/exec/${id}/json`, signal });
    return { exitCode: Number(ExitCode ?? -1), stdout: said.stdout, stderr: said.stderr };
  }
  /** Starts a program in it and gives its stdin and stdout as one stream, which the caller owns. */
  async execStream(name: string, command: readonly string[], { signal }: EngineCall): Promise<Duplex> {
    const id = await this.#createExec(name, command, { signal, stdin: true });
    return demultiplexed(await this.#startExec(id, { signal }));
  }
  async #createExec(
    name: string,
    command: readonly string[],
    { signal, stdin }: EngineCall & { readonly stdin: boolean },
  ): Promise<string> {
    const json = { AttachStdin: stdin, AttachStdout: true, AttachStderr: true, Cmd: command };
    const { Id } = await this.#connection.json({ method: "POST", path: `${pathOf(name)}/exec`, json, signal });
    if (typeof Id !== "string" || Id === "") throw new BuildError("unavailable", "exec ID empty");
    return encodeURIComponent(Id);
  }
  async #startExec(id: string, { signal }: EngineCall): Promise<Duplex> {
    const body = { Detach: false, Tty: false };
    return await this.#connection.hijack({ path: `/exec/${id}/start`, protocol: "tcp", versioned: true, body, signal });
  }
}

function pathOf(name: string): string {
  return `/containers/${encodeURIComponent(name)}`;
}

/** The answer, or `undefined` when the engine says that there is nothing of that name. */
export async function ifFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BuildError && error.code === "not_found") return undefined;
    throw error;
  }
}
