import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { control } from "../../api/mod.ts";
import { createRpcServer, service } from "../../rpc/mod.ts";
import { type SessionCaller, SessionManager } from "../../session/mod.ts";

/** What a scripted engine does when it is asked for a build. */
export type SolveScript = (build: {
  readonly request: control.SolveRequest;
  /** The client's session. */
  readonly caller: SessionCaller;
  /** Tells the client how the build goes on. */
  readonly tell: (status: StatusInit) => void;
  readonly signal: AbortSignal;
}) => Promise<Readonly<Record<string, string>>>;

type StatusInit = Parameters<typeof service<typeof control.Control>>[1]["status"] extends
  | ((...args: never[]) => AsyncIterable<infer T>)
  | undefined
  ? T
  : never;

/** An engine that serves the real protocol on a unix socket and builds nothing: what it answers is up to the test. */
export interface ScriptedEngine extends AsyncDisposable {
  readonly address: string;
  readonly socket: string;
}

/** Starts one. */
export async function startScriptedEngine(script: SolveScript): Promise<ScriptedEngine> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-engine-"));
  const socket = join(directory, "e.sock");
  const sessions = new SessionManager();
  const news = new Map<string, { messages: StatusInit[]; wake: () => void; ended: boolean }>();
  const newsOf = (ref: string) => {
    let found = news.get(ref);
    if (!found) news.set(ref, (found = { messages: [], wake: () => undefined, ended: false }));
    return found;
  };
  const rpc = createRpcServer({
    services: [
      sessions.route(),
      service(control.Control, {
        info: () => ({ buildkitVersion: { version: "scripted" } }),
        async *status({ Ref }, { signal }) {
          const mine = newsOf(Ref);
          signal.addEventListener("abort", () => mine.wake());
          while (!signal.aborted) {
            for (let message = mine.messages.shift(); message; message = mine.messages.shift()) yield message;
            if (mine.ended) return;
            await new Promise<void>((resolve) => (mine.wake = resolve));
          }
        },
        solve: async (request, { signal }) => {
          const mine = newsOf(request.Ref);
          try {
            const caller = await sessions.get(request.Session, { signal });
            const tell = (status: StatusInit) => {
              mine.messages.push(status);
              mine.wake();
            };
            return { ExporterResponse: await script({ request, caller, tell, signal }) };
          } finally {
            mine.ended = true;
            mine.wake();
          }
        },
      }),
    ],
  });
  const listener = createServer();
  rpc.serve(listener);
  listener.listen(socket);
  await once(listener, "listening");
  return {
    address: `unix://${socket}`,
    socket,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await rpc.close({ graceMs: 0 });
      await rm(directory, { recursive: true });
    },
  };
}
