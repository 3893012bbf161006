import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connectErrorText } from "../../../base/errors/mod.ts";
import { type JaegerTrace, tracePage } from "../../../history/mod.ts";

/** A page with traces, for a browser on this machine. */
export interface TraceServer extends AsyncDisposable {
  /** Where the page is. */
  readonly url: string;
}

/**
 * Serves traces: as a page at `/trace/<id>` or `/trace/<id>...<id>`, and one by one as Jaeger's UI asks for them, at `/api/traces/<id>`.
 * @param address host and port, for instance `127.0.0.1:0`; port 0 is any that is free
 */
export async function serveTraces(traces: readonly JaegerTrace[], address: string): Promise<TraceServer> {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address) ?? [];
  if (port === undefined)
    throw new Error(`listen tcp: address ${address}: want host and port, for instance 127.0.0.1:0`);
  const path = `/trace/${traces.map(({ traceID }) => traceID).join("...")}`;
  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? "/", "http://localhost").pathname;
    const [, id] = /^\/api\/traces\/([\da-f]+)$/.exec(asked) ?? [];
    const data = traces.filter(({ traceID }) => traceID === id);
    if (asked === "/") response.writeHead(302, { location: path }).end();
    else if (asked === path)
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(tracePage(traces));
    else if (data.length > 0)
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ data }));
    else response.writeHead(404).end("not found\n");
  });
  await listening(server, { port: Number(port), host: bracketed ?? plain ?? "" }, address);
  const { address: host, port: chosen, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${host}]` : host}:${chosen}${path}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function listening(server: Server, where: { port: number; host: string }, address: string): Promise<void> {
  try {
    server.listen(where.host === "" ? { port: where.port } : where);
    await once(server, "listening");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "bind: address already in use" : connectErrorText(cause);
    throw new Error(`listen tcp ${address}: ${why}`, { cause });
  }
}
