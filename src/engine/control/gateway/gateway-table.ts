import { Arrivals } from "../../../base/async/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import type { Build, BuildResult } from "../build.ts";
import { GatewayBuild } from "./gateway-build.ts";

/** How long a call waits for the build that it belongs to: both arrive at the same moment. */
const arrivalMs = 3000;

/** Builds whose frontend runs in their client, by the id of the build. */
export class GatewayTable {
  readonly #builds = new Arrivals<string, GatewayBuild>();

  /** Lets the client lead the build until it returns a result. @throws what the client returns as an error, or the signal's reason */
  async run(id: string, build: Build, options: { signal: AbortSignal }): Promise<BuildResult> {
    const { signal } = options;
    const runnable = await build.deps.worker.executor.platforms();
    const gateway = new GatewayBuild(build, { platforms: runnable.map(({ platform }) => platform), signal });
    this.#builds.set(id, gateway);
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      signal.throwIfAborted();
      return await Promise.race([gateway.returned, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#builds.delete(id);
      await gateway.containers[Symbol.asyncDispose]();
    }
  }

  /** The build of that id. @throws {BuildError} `not_found` when it does not show up */
  async find(id: string | undefined, method: string, options: { signal: AbortSignal }): Promise<GatewayBuild> {
    if (!id) throw new BuildError("unknown", `forwarding ${method}: no buildid found in context`);
    const found = await this.#builds.wait(id, { timeoutMs: arrivalMs, signal: options.signal });
    if (found) return found;
    throw new BuildError("not_found", `forwarding ${method}: no such job ${id}`);
  }
}
