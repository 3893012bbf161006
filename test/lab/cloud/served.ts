import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A server of this machine. */
export interface Served extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly address: string;
}

/** Serves on a port of its own until disposed. */
export async function serve(listener: RequestListener): Promise<Served> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** All of a request's body. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * Answers with an object, or with the range of it that was asked for.
 * @param cutAt breaks the connection off after so many bytes
 */
export function sendObject(
  { method, headers: { range } }: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  headers: Readonly<Record<string, string>>,
  cutAt?: number,
): void {
  const begin = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
  if (begin > 0 && begin >= bytes.byteLength) {
    response.writeHead(416, { "content-length": "0", "content-range": `bytes */${bytes.byteLength}` }).end();
    return;
  }
  const rest = bytes.subarray(begin);
  const status = range === undefined ? 200 : 206;
  response.writeHead(status, {
    ...headers,
    "content-length": String(rest.byteLength),
    ...(range === undefined ? {} : { "content-range": `bytes ${begin}-${bytes.byteLength - 1}/${bytes.byteLength}` }),
  });
  if (method === "HEAD") return void response.end();
  if (cutAt === undefined || rest.byteLength <= cutAt) return void response.end(rest);
  response.write(rest.subarray(0, cutAt), () => setTimeout(() => response.destroy(), 20));
}
