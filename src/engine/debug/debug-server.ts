import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from "node:http";
import type { Server } from "node:net";
import { getHeapStatistics } from "node:v8";
import type { control } from "../../api/mod.ts";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { log } from "../../base/log/mod.ts";
import { metricsContentType, metricsText } from "../../base/metrics/mod.ts";
import type { CallObserver } from "../../rpc/mod.ts";
import { BuildMetrics } from "./build-metrics.ts";
import { Calls } from "./calls.ts";
import { processMetrics } from "./process-metrics.ts";
import { Profilers } from "./profiles/mod.ts";

/** What a path answers. */
interface Answer {
  readonly body: string | Uint8Array;
  /** 200 when left out. */
  readonly status?: number;
  /** Plain text when left out. */
  readonly type?: string;
  /** Under which name browsers keep it. */
  readonly filename?: string;
}
type Handler = (query: URLSearchParams, options: { readonly signal: AbortSignal }) => Answer | Promise<Answer>;

const defaultProfileSeconds = 30;
const maxProfileSeconds = 3600;
const text = "text/plain; charset=utf-8";

/**
 * What an engine tells of itself to those who watch over it, over HTTP: whether it is up, metrics, profiles. It is only made where somebody has asked for
 * a debug address, and whoever reaches that address may ask anything.
 */
export class DebugServer implements Disposable {
  readonly #calls = new Calls();
  readonly #builds = new BuildMetrics();
  readonly #processMetrics = processMetrics();
  readonly #profilers: Profilers;
  readonly #http: HttpServer;
  #isReady = false;

  private constructor(profilers: Profilers) {
    this.#profilers = profilers;
    this.#http = createHttpServer((request, response) => void this.#serve(request, response));
  }

  static async open(): Promise<DebugServer> {
    return new DebugServer(await Profilers.open());
  }

  /** Measures the calls of the engine's own server. */
  get observer(): CallObserver {
    return this.#calls;
  }

  /** Counts a build that has ended. */
  addBuild(record: control.BuildHistoryRecord): void {
    this.#builds.add(record);
  }

  /** Whether the engine takes builds; until then, and when it stops, it is not healthy. */
  setReady(isReady: boolean): void {
    this.#isReady = isReady;
  }

  /** Serves every connection that `listener` accepts from now on. */
  serve(listener: Server): void {
    listener.on("connection", (socket) => this.#http.emit("connection", socket));
  }

  [Symbol.dispose](): void {
    this.#http.closeAllConnections();
    this.#profilers[Symbol.dispose]();
  }

  readonly #handlers: Readonly<Record<string, Handler>> = {
    "/healthz": () => (this.#isReady ? { body: "ok\n" } : { status: 503, body: "not ready\n" }),
    "/metrics": () => {
      const metrics = [...this.#builds.metrics, ...this.#calls.metrics, ...this.#processMetrics];
      return { type: metricsContentType, body: metricsText(metrics) };
    },
    "/debug/vars": () => ({
      type: "application/json; charset=utf-8",
      body: `${JSON.stringify(variables(), null, 2)}\n`,
    }),
    "/debug/gc": async () => {
      await this.#profilers.collectGarbage();
      return { body: "" };
    },
    "/debug/requests": () => ({ body: this.#requests() }),
    "/debug/pprof/": () => ({ body: pprofIndex }),
    "/debug/pprof/cmdline": () => ({ body: process.argv.slice(1).join("\0") }),
    "/debug/pprof/profile": async (query, { signal }) => {
      const seconds = Number(query.get("seconds") ?? defaultProfileSeconds);
      if (!(seconds > 0 && seconds <= maxProfileSeconds)) {
        throw new BuildError("invalid_argument", `invalid seconds: want up to ${maxProfileSeconds}`);
      }
      return pprof("profile", await this.#profilers.cpu(seconds * 1000, { signal }));
    },
    "/debug/pprof/heap": async (query) => {
      if (Number(query.get("gc") ?? 0) > 0) await this.#profilers.collectGarbage();
      return pprof("heap", await this.#profilers.heap());
    },
  };

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const { status = 200, type = text, filename, body } = await this.#answer(request, gone.signal);
    response.writeHead(status, {
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      ...(filename === undefined ? {} : { "content-disposition": `attachment; filename="${filename}"` }),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async #answer(request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
    const [path = "", query = ""] = (request.url ?? "").split("?", 2);
    const handler = Object.hasOwn(this.#handlers, path) ? this.#handlers[path] : undefined;
    if (!handler) return { status: 404, body: "404 page not found\n" };
    try {
      return await handler(new URLSearchParams(query), { signal });
    } catch (error) {
      const isMistake = error instanceof BuildError && error.code === "invalid_argument";
      if (!isMistake) log.warn(`debug address: ${path}: ${messageOf(error)}`);
      return { status: isMistake ? 400 : 500, body: `${messageOf(error)}\n` };
    }
  }

  /** One line per call under way: since when, for how long, what. */
  #requests(): string {
    const now = Date.now();
    const lines = this.#calls.active.map(
      ({ path, since }) => `${since.toISOString()} ${((now - since.getTime()) / 1000).toFixed(3)}s ${path}\n`,
    );
    return `${lines.length} calls under way\n${lines.join("")}`;
  }
}

const pprofIndex = `/debug/pprof/

Profiles:
  profile?seconds=N   where processor time goes for the next N seconds (30 when left out)
  heap                who holds memory; ?gc=1: after what nobody holds any more was removed
  cmdline             how the engine was started

For instance: go tool pprof http://ADDRESS/debug/pprof/profile?seconds=10
`;

function pprof(filename: string, body: Uint8Array): Answer {
  return { type: "application/octet-stream", filename, body };
}

/** What Go's expvar has of every program: names are Go's where V8 has the same. */
function variables() {
  const { rss } = process.memoryUsage();
  const heap = getHeapStatistics();
  return {
    cmdline: process.argv.slice(1),
    memstats: {
      Sys: rss,
      HeapAlloc: heap.used_heap_size,
      HeapSys: heap.total_heap_size,
      HeapReleased: heap.total_heap_size - heap.total_physical_size,
      External: heap.external_memory,
    },
    uptimeSeconds: process.uptime(),
  };
}
