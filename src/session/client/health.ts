import { health } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { service } from "../../rpc/mod.ts";
import type { Attachable } from "./attachable.ts";

const { SERVING, SERVICE_UNKNOWN } = health.HealthCheckResponse_ServingStatus;
const serving = { status: SERVING };

/** Says that this side is alive; every session and every server has it. */
export function healthService(): Attachable {
  return {
    routes: service(health.Health, {
      check: ({ service: name }) => {
        if (name !== "") throw new BuildError("not_found", "unknown service");
        return serving;
      },
      async *watch({ service: name }, { signal }) {
        yield name === "" ? serving : { status: SERVICE_UNKNOWN };
        // Nothing more will ever be said: who is there no more says it by the end of the connection.
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        throw signal.reason;
      },
      list: () => ({ statuses: { "": serving } }),
    }),
  };
}
