import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Files behind an address of this machine. Disposing it stops it. */
export interface LabFiles extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly address: string;
}

/**
 * Serves `files` by their path, which begins with a slash; all else is not found.
 * @param options.authorization what a request must have as `Authorization`
 * @param options.disposition the `Content-Disposition` of every answer
 */
export async function serveFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
  options: { readonly authorization?: string; readonly disposition?: string } = {},
): Promise<LabFiles> {
  const { authorization, disposition } = options;
  const server = createServer(({ url = "", headers }, response) => {
    if (authorization !== undefined && headers.authorization !== authorization) {
      response.statusCode = 401;
      return void response.end("who are you?\n");
    }
    if (disposition !== undefined) response.setHeader("content-disposition", disposition);
    const file = Object.hasOwn(files, url) ? files[url] : undefined;
    response.setHeader("last-modified", "Sat, 01 Jan 2022 00:00:00 GMT");
    response.statusCode = file === undefined ? 404 : 200;
    response.end(file ?? "no such file\n");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
