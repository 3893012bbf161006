import { health } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { service } from "../../rpc/mod.ts";
import type { Attachable } from "./attachable.ts";

const serving = { status: health.HealthCheckResponse_ServingStatus.SERVING };

/** Says that this side is alive; every session and every server has it. */
export function healthService(): Attachable {
  return {
    routes: service(health.Health, {
      check: ({ service: name }) => {
        if (name !== "") throw new BuildError("not_found", "unknown service");
        return serving;
      },
      list: () => ({ statuses: { "": serving } }),
    }),
  };
}
