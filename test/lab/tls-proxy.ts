import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** A registry over TLS, in front of one that speaks plain HTTP: what it takes lies in both. */
export interface TlsProxy extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string;
}

/**
 * Speaks TLS for a registry, with whomever.
 * @param real `host:port`
 * @param certificates a directory with `cert.pem` and `key.pem`
 */
export async function startTlsProxy(real: string, certificates: string): Promise<TlsProxy> {
  const [hostname, port] = real.split(":");
  const [cert, key] = await Promise.all(["cert.pem", "key.pem"].map((name) => readFile(join(certificates, name))));
  const server = createServer({ cert, key }, (incoming, answer) => {
    const headers = { ...incoming.headers, "x-forwarded-proto": "https" };
    const onward = request({ hostname, port, method: incoming.method, path: incoming.url, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
