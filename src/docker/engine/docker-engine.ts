import type { Agent } from "undici";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import type { EngineAddress } from "./address.ts";
import { jsonMessages } from "./json-messages.ts";

/** How long an engine may take to say that it is there. */
const pingTimeoutMs = 10_000;

/** A Docker Engine, by its HTTP API. */
export class DockerEngine implements AsyncDisposable {
  readonly #address: EngineAddress;
  readonly #agent: Agent;
  private constructor(address: EngineAddress, agent: Agent) {
    this.#address = address;
    this.#agent = agent;
  }
  /** Makes a client; nothing is connected yet. */
  static async open(address: EngineAddress): Promise<DockerEngine> {
    const { Agent } = await import("undici"); // heavy, and few builds load into Docker
    const { socketPath } = address;
    const agent = new Agent({
      headersTimeout: 0, // an engine answers a load when it has read enough of it
      bodyTimeout: 0,
      connect: { timeout: pingTimeoutMs, ...(socketPath === undefined ? {} : { socketPath }) },
    });
    return new DockerEngine(address, agent);
  }
  /** @throws {BuildError} `unavailable`, with Docker's words, when there is no engine */
  async ping(options: { signal: AbortSignal }): Promise<void> {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(pingTimeoutMs)]);
    const { statusCode, body } = await this.#request({ method: "GET", path: "/_ping", signal: options.signal }, signal);
    await body.dump();
    if (statusCode !== 200)
      throw new BuildError(
        "unavailable",
        `the Docker Engine at ${this.#address.text} is not well: status ${statusCode}`,
      );
  }
  /**
   * Loads an archive in the form of `docker save` into the engine's image store.
   * @param onMessage what the engine says meanwhile, for instance `Loaded image: x:latest`
   * @throws {BuildError} what the engine says against it
   */
  async loadImage(
    archive: AsyncIterable<Uint8Array>,
    options: { readonly signal: AbortSignal; readonly onMessage?: (text: string) => void },
  ): Promise<void> {
    const { statusCode, body } = await this.#request({
      method: "POST",
      path: "/images/load?quiet=1",
      headers: { "content-type": "application/x-tar" },
      body: archive,
      signal: options.signal,
    });
    if (statusCode !== 200)
      throw new BuildError(
        "unknown",
        `the Docker Engine did not take the image: ${refusal(await body.text(), statusCode)}`,
      );
    for await (const { error, stream } of jsonMessages(body)) {
      if (error !== undefined) throw new BuildError("unknown", `the Docker Engine did not take the image: ${error}`);
      if (stream !== undefined) options.onMessage?.(stream.trimEnd());
    }
  }
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
  async #request(
    request: {
      readonly method: "GET" | "POST";
      readonly path: string;
      readonly headers?: Record<string, string>;
      readonly body?: AsyncIterable<Uint8Array>;
      readonly signal: AbortSignal;
    },
    signal: AbortSignal = request.signal,
  ): ReturnType<Agent["request"]> {
    try {
      const { body, ...rest } = request;
      return await this.#agent.request({
        ...rest,
        origin: this.#address.origin,
        signal,
        body: body ? iterableBody(body) : null,
      });
    } catch (cause) {
      request.signal.throwIfAborted();
      throw unreachable(cause, this.#address.text);
    }
  }
}

/** undici takes iterables at run time; its types want a stream. */
function iterableBody(bytes: AsyncIterable<Uint8Array>): string {
  return bytes as unknown as string;
}

function unreachable(cause: unknown, address: string): BuildError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") {
    return new BuildError(
      "permission_denied",
      `permission denied while trying to connect to the Docker daemon socket at ${address}`,
      { cause },
    );
  }
  if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTDIR") {
    return new BuildError(
      "unavailable",
      `Cannot connect to the Docker daemon at ${address}. Is the docker daemon running?`,
      { cause },
    );
  }
  return new BuildError("unavailable", `error during connect to the Docker daemon at ${address}: ${messageOf(cause)}`, {
    cause,
  });
}

function refusal(body: string, statusCode: number): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === "string") return message;
  } catch {
    // old engines answer in plain text
  }
  return body.trim() === "" ? `status ${statusCode}` : body.trim().slice(0, 1000);
}
