import { chmodSync } from "node:fs";
import type { ListenAddress } from "../engine/config/mod.ts";
import { type TraceRecorder, traceService } from "../engine/traces/mod.ts";
import { createRpcServer } from "../rpc/mod.ts";
import { type Listening, listen } from "./listen.ts";

/** Opens a socket at which anybody may report traces, and do nothing else: it is shown to the processes of steps. */
export async function openTraceSocket(address: ListenAddress, traces: TraceRecorder): Promise<Listening> {
  const rpc = createRpcServer({ services: [traceService(traces)] });
  const listening = await listen(address, {
    tls: undefined,
    socketOwner: { uid: undefined, gid: undefined },
    env: {},
    serve: (server) => rpc.serve(server),
  });
  if (address.type === "unix") chmodSync(address.path, 0o666); // steps run as whoever they please
  return {
    address: listening.address,
    [Symbol.asyncDispose]: async () => {
      await listening[Symbol.asyncDispose]();
      await rpc.close({ graceMs: 0 });
    },
  };
}
