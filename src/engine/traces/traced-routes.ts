import { messageOf } from "../../base/errors/mod.ts";
import { type Route, statusOf } from "../../rpc/mod.ts";
import { nanoseconds, ownSpan } from "./own-span.ts";
import { newSpan, parseTraceparent } from "./trace-context.ts";
import type { TraceRecorder } from "./trace-recorder.ts";

/** Routes whose calls become spans where their callers say which trace they belong to. */
export function tracedRoutes(
  routes: readonly Route[],
  recorder: TraceRecorder,
  { now }: { readonly now: () => Date },
): readonly Route[] {
  return routes.map((route) => ({
    ...route,
    run: async (stream, context) => {
      const parent = parseTraceparent(context.requestHeaders.get("traceparent"));
      if (!parent) return await route.run(stream, context);
      const startNs = nanoseconds(now().getTime());
      const [, service = "", method = ""] = route.path.split("/");
      const end = (failure?: { readonly error: unknown }) => {
        recorder.add(
          ownSpan({
            self: newSpan(parent),
            parent,
            name: `${service}/${method}`,
            isCall: true,
            startNs,
            endNs: nanoseconds(now().getTime()),
            attributes: {
              "rpc.system": "grpc",
              "rpc.service": service,
              "rpc.method": method,
              "rpc.grpc.status_code": failure ? statusOf(failure.error).code : 0,
            },
            error: failure && messageOf(failure.error),
          }),
        );
      };
      try {
        await route.run(stream, context);
        end();
      } catch (error) {
        end({ error });
        throw error;
      }
    },
  }));
}
