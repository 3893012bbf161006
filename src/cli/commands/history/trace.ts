import { once } from "node:events";
import { loadTrace } from "../../../history/mod.ts";
import type { Invocation } from "../../command.ts";
import type { historyTraceFlags } from "../history.ts";
import { openAddress } from "./open-address.ts";
import { openPlace } from "./place.ts";
import { serveTraces } from "./trace-server.ts";

/** Runs `history trace [REF]`: a page in the browser where people look at it, else JSON as Jaeger's UI takes it. */
export async function runTrace(invocation: Invocation<typeof historyTraceFlags>): Promise<number> {
  const { context, flags, args } = invocation;
  const { signal, stdout, stderr, env } = context;
  const traces = await (async () => {
    await using place = await openPlace(invocation);
    const trace = await loadTrace(place, args[0] ?? "", { signal });
    if (flags.compare === "") return [trace];
    return [await loadTrace(place, flags.compare, { signal }), trace];
  })();
  if (flags.compare === "" && stdout.isTTY !== true) {
    stdout.write(`${JSON.stringify({ data: traces }, undefined, 2)}\n`);
    return 0;
  }
  await using server = await serveTraces(traces, flags.addr);
  stderr.write(`Trace available at ${server.url}\n`);
  openAddress(server.url, { env }).catch(() => undefined); // the address is there to be clicked on
  if (!signal.aborted) await once(signal, "abort");
  return 0;
}
