import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A manifest that somebody wants to put into a registry. */
export interface ManifestPut {
  /** The last part of the path: a tag or a digest. */
  readonly name: string;
  readonly mediaType: string;
}

/** A registry that does not take everything. */
export interface PickyRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** What it has refused, in order. */
  readonly refused: readonly ManifestPut[];
}

/**
 * Puts a picky registry in front of a real one: what it takes lies in both.
 * @param refuses why a manifest is not taken; `undefined`: it is
 */
export async function startPickyRegistry(
  real: string,
  refuses: (put: ManifestPut) => string | undefined,
): Promise<PickyRegistry> {
  const [hostname, port] = real.split(":");
  const refused: ManifestPut[] = [];
  const server = createServer((incoming, answer) => {
    const { method, url: path = "", headers } = incoming;
    const name = /\/manifests\/([^/?]+)$/.exec(path)?.[1];
    const put = method === "PUT" && name !== undefined ? { name, mediaType: headers["content-type"] ?? "" } : undefined;
    const message = put && refuses(put);
    if (put && message !== undefined) {
      refused.push(put);
      incoming.resume();
      answer.writeHead(400, { "content-type": "application/json" });
      answer.end(JSON.stringify({ errors: [{ code: "MANIFEST_INVALID", message }] }));
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

/** A registry that is older than OCI's formats, in front of a real one. */
export async function startOldRegistry(real: string): Promise<PickyRegistry> {
  return await startPickyRegistry(real, ({ mediaType }) =>
    mediaType.startsWith("application/vnd.oci.") ? "manifest invalid" : undefined,
  );
}
