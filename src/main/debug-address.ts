import type { Server } from "node:net";
import { log } from "../base/log/mod.ts";
import type { ListenAddress } from "../engine/config/mod.ts";
import type { DebugServer } from "../engine/debug/mod.ts";
import { listen } from "./listen.ts";

/**
 * Answers on the debug address, when there is one, from the very start on: an engine that does not come up can be looked at. All that is needed for it is
 * only loaded then.
 */
export async function openDebugAddress(
  address: ListenAddress | undefined,
): Promise<(AsyncDisposable & { readonly server: DebugServer }) | undefined> {
  if (!address) return undefined;
  const { DebugServer } = await import("../engine/debug/mod.ts");
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await DebugServer.open());
  const listening = await listen(address, {
    tls: undefined,
    socketOwner: { uid: undefined, gid: undefined },
    env: process.env,
    serve: (listener: Server) => server.serve(listener),
  });
  log.info(`debug handlers listening at ${stack.use(listening).address}`);
  const owned = stack.move();
  return { server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
