import { control } from "../../api/mod.ts";
import { type Route, service } from "../../rpc/mod.ts";
import { parseTraceparent } from "../traces/mod.ts";
import type { EngineDeps } from "./deps.ts";
import { diskUsage } from "./disk-usage.ts";
import { prune } from "./prune.ts";
import { solve } from "./solve.ts";
import { statusMessages } from "./status-messages.ts";
import { buildkitVersion } from "./version.ts";
import { filterWorkers } from "./worker-filter.ts";
import { workerRecords } from "./worker-records.ts";

/** The Control service: what clients call. Session is served by the session manager; other methods that are missing answer `unimplemented`. */
export function controlService(deps: EngineDeps): readonly Route[] {
  return service(control.Control, {
    solve: async (request, { signal, requestHeaders }) => {
      using _place = deps.intake.enter();
      using _underWay = deps.worker.housekeeping.build();
      const caller = parseTraceparent(requestHeaders.get("traceparent"));
      return { ExporterResponse: { ...(await solve(request, deps, { signal, caller })) } };
    },
    async *status(request, { signal, responseHeaders }) {
      responseHeaders.set("buildkit-current-timestamp", new Date().toISOString());
      const told = deps.jobs.has(request.Ref) ? undefined : deps.history.told(request.Ref, signal);
      if (told) return void (yield* told);
      const job = await deps.jobs.wait(request.Ref, { signal });
      yield* statusMessages(job.status(), signal);
    },
    diskUsage: async (request, { signal }) => await diskUsage(request, deps, { signal }),
    prune: (request, { signal }) => prune(request, deps, { signal }),
    async *listenBuildHistory(request, { signal, responseHeaders }) {
      responseHeaders.set("buildkit-current-timestamp", new Date().toISOString());
      yield* deps.history.listen(request, signal);
    },
    updateBuildHistory: async (request) => {
      await deps.history.update(request);
      return {};
    },
    listWorkers: async ({ filter }) => ({ record: [...filterWorkers(await workerRecords(deps), filter)] }),
    info: () => ({ buildkitVersion: buildkitVersion(deps.version) }),
  });
}
