import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Agent, buildConnector } from "undici";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import type { EngineAddress } from "./address.ts";
import { reasonIn, refused, unreachable } from "./failures.ts";
import { hijack, type HijackRequest } from "./hijack.ts";
import { openEngineStream } from "./transport.ts";

/** A request to the engine's HTTP API. */
export interface EngineRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Without the version. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, in chunks. */
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** An answer whose body has yet to be read. */
export interface EngineAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array> & { text(): Promise<string>; dump(): Promise<void> };
}

/** How long an engine may take to say that it is there. */
const pingTimeoutMs = 20_000;
/** The newest version of the API that this client knows, and the oldest that has all it uses. */
const newestApi = [1, 51] as const;

/** HTTP to one Docker Engine, over whatever leads to it. The version of the API is agreed upon with the first request. */
export class EngineConnection implements AsyncDisposable {
  readonly address: EngineAddress;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #agent: Agent;
  #version: Promise<string> | undefined;
  private constructor(address: EngineAddress, env: Readonly<Record<string, string | undefined>>, agent: Agent) {
    this.address = address;
    this.#env = env;
    this.#agent = agent;
  }
  /** Makes a client; nothing is connected yet. */
  static async open(
    address: EngineAddress,
    env: Readonly<Record<string, string | undefined>> = {},
  ): Promise<EngineConnection> {
    const { Agent } = await import("undici"); // heavy, and few commands talk with Docker
    const { signal } = new AbortController(); // a connection that many requests share outlives each of them
    const connectFor = async (callback: buildConnector.Callback): Promise<void> => {
      let answer: Parameters<buildConnector.Callback>;
      try {
        answer = [null, (await openEngineStream(address, { signal, env })) as Socket]; // a duplex is all that HTTP/1 wants
      } catch (error) {
        answer = [error as Error, null];
      }
      callback(...answer);
    };
    const agent = new Agent({
      headersTimeout: 0, // an engine answers a load when it has read enough of it
      bodyTimeout: 0,
      connect: (_options, callback) => void connectFor(callback),
    });
    return new EngineConnection(address, env, agent);
  }
  /**
   * Asks whether the engine is there.
   * @returns the answer's headers, which tell the engine's version of the API and its system
   * @throws {BuildError} `unavailable`, with Docker's words, when there is no engine
   */
  async ping(options: { readonly signal: AbortSignal }): Promise<EngineAnswer["headers"]> {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(pingTimeoutMs)]);
    let answer: EngineAnswer;
    let said = "";
    try {
      answer = await this.#send({ method: "GET", path: "/_ping", signal });
      if (answer.statusCode === 200) await answer.body.dump();
      else said = await answer.body.text();
    } catch (cause) {
      options.signal.throwIfAborted();
      throw unreachable(cause, this.address.text);
    }
    if (answer.statusCode === 200) return answer.headers;
    throw new BuildError(
      "unavailable",
      `the Docker Engine at ${this.address.text} is not well: ${reasonIn(said, answer.statusCode)}${tlsHint(said)}`,
    );
  }
  /** Sends a request; the answer may be a refusal. @throws {BuildError} when the engine cannot be reached */
  async request(request: EngineRequest): Promise<EngineAnswer> {
    const version = await this.#apiVersion(request.signal);
    return await this.#send({ ...request, path: `${version}${request.path}` });
  }
  /** Sends a request that must be granted. @throws {BuildError} `Error response from daemon: …` with the code of the refusal */
  async granted(request: EngineRequest): Promise<EngineAnswer> {
    const answer = await this.request(request);
    if (answer.statusCode < 400) return answer;
    throw refused(await answer.body.text(), answer.statusCode);
  }
  /** Sends a request and reads its answer as JSON. @throws {BuildError} as {@link granted} */
  async json(request: EngineRequest): Promise<Readonly<Record<string, unknown>>> {
    const text = await (await this.granted(request)).body.text();
    try {
      return JSON.parse(text) as Record<string, unknown>;
    } catch (cause) {
      throw new BuildError("unavailable", `the Docker Engine's answer is not JSON: ${messageOf(cause)}`, { cause });
    }
  }
  /** Sends a request of which nothing is expected but success. @throws {BuildError} as {@link granted} */
  async done(request: EngineRequest): Promise<void> {
    await (await this.granted(request)).body.dump();
  }
  /** Turns a fresh connection into a stream of another protocol; the caller owns it. @throws {BuildError} what the engine says against it */
  async hijack(
    request: Omit<HijackRequest, "host"> & { readonly versioned: boolean; readonly signal: AbortSignal },
  ): Promise<Duplex> {
    const { versioned, signal, path, ...rest } = request;
    const version = versioned ? await this.#apiVersion(signal) : "";
    const stream = await openEngineStream(this.address, { signal, env: this.#env });
    const host = versioned ? "api.moby.localhost" : "";
    return await hijack(stream, { ...rest, path: `${version}${path}`, host }, { signal });
  }
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
  /** `/v1.41`: the newest that both sides know, or what `DOCKER_API_VERSION` pins. */
  #apiVersion(signal: AbortSignal): Promise<string> {
    const pinned = this.#env.DOCKER_API_VERSION;
    if (pinned) return Promise.resolve(`/v${pinned.replace(/^v/, "")}`);
    this.#version ??= this.ping({ signal }).then(
      (headers) => agreedVersion(headers["api-version"]),
      (error: unknown) => {
        this.#version = undefined;
        throw error;
      },
    );
    return this.#version;
  }
  async #send({ method, path, query = {}, headers = {}, json, body, signal }: EngineRequest): Promise<EngineAnswer> {
    const search = new URLSearchParams(Object.entries(query).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));
    try {
      return await this.#agent.request({
        origin: "http://api.moby.localhost",
        method,
        path: search.size === 0 ? path : `${path}?${search.toString()}`,
        headers: { ...headers, ...(json === undefined ? {} : { "content-type": "application/json" }) },
        body: json === undefined ? iterableBody(body) : JSON.stringify(json),
        signal,
      });
    } catch (cause) {
      signal.throwIfAborted();
      throw unreachable(cause, this.address.text);
    }
  }
}

/** undici takes iterables at run time; its types want a stream. */
function iterableBody(bytes: AsyncIterable<Uint8Array> | undefined): string | null {
  return (bytes ?? null) as unknown as string | null;
}

/** An engine that does not say its version is asked without one, which means its newest. */
function agreedVersion(header: string | string[] | undefined): string {
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(String(header ?? "")) ?? [];
  if (major === undefined || minor === undefined) return "";
  const newer = Number(major) > newestApi[0] || (Number(major) === newestApi[0] && Number(minor) > newestApi[1]);
  return newer ? `/v${newestApi.join(".")}` : `/v${major}.${minor}`;
}

/** What helps where a port for TLS was asked without. */
function tlsHint(said: string): string {
  return /HTTP request to an HTTPS server/.test(said)
    ? " Give its certificates with a Docker context (docker context create), or with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH."
    : "";
}
