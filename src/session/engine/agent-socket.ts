import { once } from "node:events";
import { chmod, chown, open, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { ForwardedAgent } from "./forward-agent.ts";

/** More connections than any build makes at the same time. */
const maxConnections = 128;

/** A socket at which a client's ssh agent answers. Disposing of it hangs up. */
export interface AgentSocket extends AsyncDisposable {
  readonly path: string;
  /** The same socket under a name that is short enough for any client, as long as this process lives. */
  readonly shortPath: string;
}

/**
 * Listens in `directory`, and forwards each connection to the agent.
 * @param directory existing; its path may be longer than what the name of a socket may be
 */
export async function listenForAgent(
  agent: ForwardedAgent,
  directory: string,
  owner: { readonly uid: number; readonly gid: number; readonly mode: number },
): Promise<AgentSocket> {
  const path = join(directory, "agent");
  const over = new AbortController();
  const sockets = new Set<Socket>();
  const forward = async (socket: Socket): Promise<void> => {
    sockets.add(socket);
    socket.on("error", () => undefined); // "close" follows
    socket.once("close", () => sockets.delete(socket));
    try {
      const connection = await agent.connect({ signal: over.signal });
      connection.on("error", () => socket.destroy());
      connection.once("close", () => socket.destroy());
      socket.once("close", () => connection.destroy());
      socket.pipe(connection).pipe(socket);
    } catch {
      socket.destroy(); // whoever asked sees an agent that hangs up
    }
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => void forward(socket));
  server.maxConnections = maxConnections;
  const handle = await open(directory);
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => {
    over.abort();
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
    await rm(path, { force: true });
    await handle.close();
  });
  const shortPath = `/proc/${process.pid}/fd/${handle.fd}/agent`;
  server.listen(shortPath);
  await once(server, "listening");
  await chown(path, owner.uid, owner.gid);
  await chmod(path, owner.mode);
  const owned = undo.move();
  return { path, shortPath, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
