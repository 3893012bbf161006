import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { BuildError, type ErrorCode } from "../../../base/errors/mod.ts";
import type { Cluster } from "./kubeconfig.ts";

/** Answers of the API server are not larger. */
const largestAnswer = 32 * 1024 * 1024;

/** Speaks to a cluster's API server. */
export class ApiClient {
  readonly cluster: Cluster;
  readonly #agent: HttpAgent;
  constructor(cluster: Cluster) {
    this.cluster = cluster;
    const options = { keepAlive: true, proxyEnv: cluster.proxies };
    this.#agent = cluster.server.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /**
   * One call.
   * @returns the object of the answer; `undefined` when what was asked for is not there
   * @throws {BuildError} in the API server's words
   */
  async call<T>(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    options: { readonly body?: unknown; readonly signal: AbortSignal },
  ): Promise<T | undefined> {
    const payload = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body));
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = this.send(
      {
        method,
        path,
        headers: payload ? { "content-type": "application/json", "content-length": payload.byteLength } : {},
      },
      await this.cluster.authorization(),
      options.signal,
    );
    request.once("response", resolve);
    request.once("error", (cause) => reject(this.#unreachable(cause, options.signal)));
    request.end(payload);
    const answer = await promise;
    const bytes = await readAll(answer);
    const status = answer.statusCode ?? 0;
    if (status === 404 && method !== "POST") return undefined;
    if (status < 200 || status > 299) throw refusal(status, bytes);
    return JSON.parse(bytes) as T;
  }

  /** Begins a request; the caller ends it. */
  send(
    options: {
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string | number>>;
    },
    authorization: string | undefined,
    signal: AbortSignal,
  ): ReturnType<typeof httpRequest> {
    const { server, tls } = this.cluster;
    const headers = {
      accept: "application/json",
      "user-agent": "polyarch",
      ...(authorization === undefined ? {} : { authorization }),
      ...options.headers,
    };
    const common = {
      ...options,
      path: `${server.pathname.replace(/\/$/, "")}${options.path}`,
      host: server.hostname.replace(/^\[|\]$/g, ""),
      port: server.port || (server.protocol === "https:" ? 443 : 80),
      headers,
      signal,
      agent: this.#agent,
    };
    if (server.protocol !== "https:") return httpRequest(common);
    const { ca, cert, key, servername, insecure } = tls;
    return httpsRequest({
      ...common,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      rejectUnauthorized: !insecure,
    });
  }

  #unreachable(cause: Error, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    return new BuildError(
      "unavailable",
      `cannot reach the Kubernetes API server at ${this.cluster.server.href}: ${cause.message}`,
      {
        cause,
      },
    );
  }
}

/** The error that an answer of the API server stands for. */
export function refusal(status: number, body: string): BuildError {
  let said = body.trim().slice(0, 500);
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === "string") said = message;
  } catch {
    // it is no Status object: what it says is told as it is
  }
  const codes: Readonly<Record<number, ErrorCode>> = {
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    409: "already_exists",
  };
  return new BuildError(
    codes[status] ?? (status >= 500 ? "unavailable" : "invalid_argument"),
    `Kubernetes API server: ${status}: ${said}`,
  );
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    size += (chunk as Buffer).byteLength;
    if (size > largestAnswer) throw new BuildError("resource_exhausted", "the Kubernetes API server answers too much");
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}
