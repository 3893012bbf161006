import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** Files behind an address of this machine. Disposing it stops it. */
export interface LabFiles extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly address: string;
  /** What was asked and what it answered, for instance `GET /word 200`. May be emptied. */
  readonly requests: string[];
}

/** How a server behaves. */
export interface LabFilesOptions {
  /** What a request must have as `Authorization`. */
  readonly authorization?: string;
  /** The `Content-Disposition` of every answer. */
  readonly disposition?: string;
  /** The `Last-Modified` of every answer; empty: none. */
  readonly lastModified?: string;
  /**
   * `honest`: names what it has by an ETag, and says 304 to who has it. `no head`: the same, but refuses HEAD. `wrong head`: the same, but says nonsense to
   * HEAD. `confused`: wrong, too, where it says 304. Undefined: no ETags.
   */
  readonly etags?: "honest" | "no head" | "wrong head" | "confused";
}

/** Serves `files`, as they are at each moment, by their path, which begins with a slash; all else is not found. */
export async function serveFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
  options: LabFilesOptions = {},
): Promise<LabFiles> {
  const { authorization, disposition, lastModified = "Sat, 01 Jan 2022 00:00:00 GMT", etags } = options;
  const requests: string[] = [];
  const answer = ({ method, url = "", headers }: IncomingMessage) => {
    if (authorization !== undefined && headers.authorization !== authorization)
      return { status: 401, body: "who are you?\n" };
    const file = Object.hasOwn(files, url) ? files[url] : undefined;
    if (file === undefined) return { status: 404, body: "no such file\n" };
    if (etags === undefined) return { status: 200, body: file };
    if (method === "HEAD" && etags === "no head") return { status: 405, body: "" };
    if (method === "HEAD" && etags !== "honest") return { status: 200, body: "", etag: '"nonsense"' };
    const etag = `"${createHash("sha256").update(file).digest("hex").slice(0, 16)}"`;
    const isKnown = (headers["if-none-match"] ?? "").split(/\s*,\s*/).includes(etag);
    if (isKnown) return { status: 304, body: "", etag: etags === "confused" ? '"of another"' : etag };
    return { status: 200, body: file, etag: `W/${etag}` };
  };
  const server = createServer((request, response) => {
    const { status, body, etag } = answer(request);
    requests.push(`${request.method} ${request.url} ${status}`);
    response.statusCode = status;
    if (etag !== undefined) response.setHeader("etag", etag);
    if (disposition !== undefined) response.setHeader("content-disposition", disposition);
    if (lastModified !== "") response.setHeader("last-modified", lastModified);
    response.end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
