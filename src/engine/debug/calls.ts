import { Histogram, type Metric } from "../../base/metrics/mod.ts";
import type { CallObserver, CallOutcome } from "../../rpc/mod.ts";

/** A call that is under way. */
export interface ActiveCall {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly since: Date;
}

/** Asked so often, by whoever watches over the engine, that it would hide the rest. */
const unmeasured = "/grpc.health.v1.Health/Check";

/** Bounds that OpenTelemetry advises. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Measures the calls that a server serves, and knows which are under way. */
export class Calls implements CallObserver {
  readonly #active = new Set<ActiveCall>();
  readonly #duration = new Histogram({
    name: "rpc_server_call_duration_seconds",
    help: "Time that calls to this engine took.",
    bounds,
  });
  get metrics(): readonly Metric[] {
    return [this.#duration];
  }
  /** Oldest first. */
  get active(): readonly ActiveCall[] {
    return [...this.#active];
  }
  begin({ path }: { readonly path: string }): (outcome: CallOutcome) => void {
    const call = { path, since: new Date() };
    const start = performance.now();
    this.#active.add(call);
    return (outcome) => {
      this.#active.delete(call);
      if (path === unmeasured) return;
      this.#duration.observe((performance.now() - start) / 1000, {
        rpc_method: path.slice(1),
        rpc_response_status_code: outcome === "canceled" ? "CANCELLED" : outcome.toUpperCase(),
        rpc_system_name: "grpc",
      });
    };
  }
}
