import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A registry that is older than OCI's formats. */
export interface OldRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** Media types that it has refused, in order. */
  readonly refused: readonly string[];
}

/** Puts an old registry in front of a real one: what it takes lies in both. It refuses OCI's manifests and indexes as such registries do. */
export async function startOldRegistry(real: string): Promise<OldRegistry> {
  const [hostname, port] = real.split(":");
  const refused: string[] = [];
  const server = createServer((incoming, answer) => {
    const { method, url: path = "", headers } = incoming;
    const type = headers["content-type"] ?? "";
    if (method === "PUT" && path.includes("/manifests/") && type.startsWith("application/vnd.oci.")) {
      refused.push(type);
      incoming.resume();
      answer.writeHead(400, { "content-type": "application/json" });
      answer.end(JSON.stringify({ errors: [{ code: "MANIFEST_INVALID", message: "manifest invalid", detail: {} }] }));
      return;
    }
    const onward = request({ hostname, port, method, path, headers }, (reply) => {
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
    refused,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
