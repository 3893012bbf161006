import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Channel, connect, createRpcServer, type Peer } from "../../rpc/mod.ts";
import { type HealthCheckOptions, SessionManager } from "../mod.ts";

/** An engine that only serves sessions, and a client. */
export interface Rig extends AsyncDisposable {
  readonly sessions: SessionManager;
  readonly channel: Channel;
  readonly sockets: Socket[];
}

/** Starts both; they talk over a unix socket. */
export async function openRig(options: { health?: Partial<HealthCheckOptions>; peer?: Peer } = {}): Promise<Rig> {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  const path = join(dir, "s.sock");
  const sessions = new SessionManager(options.health ? { health: options.health } : {});
  const server = createRpcServer({
    services: [sessions.route()],
    peerCredentials: () => options.peer ?? { pid: 1, uid: 2, gid: 3 },
  });
  const listener = createServer();
  server.serve(listener);
  listener.listen(path);
  await once(listener, "listening");
  const sockets: Socket[] = [];
  const open = async () => {
    const socket = createConnection(path);
    sockets.push(socket);
    return socket;
  };
  const channel = connect({ open });
  return {
    sessions,
    channel,
    sockets,
    async [Symbol.asyncDispose]() {
      await channel.close();
      listener.close();
      await server.close({ graceMs: 0 });
      rmSync(dir, { recursive: true });
    },
  };
}
