import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request to a {@link LabGitHttp}. */
export interface GitHttpRequest {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly status: number;
  /** Of the answer. */
  readonly bytes: number;
}

/** Git's own HTTP server. Disposing it stops it. */
export interface LabGitHttp extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly address: string;
  /** What was asked so far. May be emptied. */
  readonly requests: GitHttpRequest[];
  /** From now on answers with files stop after so many bytes and wait; `undefined`: no more. Resolves when the first one waits. */
  stall(afterBytes: number): Promise<void>;
  /** Ends what {@link stall} began. */
  flow(): void;
}

/**
 * Serves the repositories below `directory` with `git http-backend`.
 * @param options.authorization what every request must have as `Authorization`
 */
export async function serveGitOverHttp(
  directory: string,
  options: { readonly authorization?: string } = {},
): Promise<LabGitHttp> {
  const requests: GitHttpRequest[] = [];
  let stalling: { readonly afterBytes: number; readonly waits: () => void; readonly until: Promise<void> } | undefined;
  let flow = () => {};

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url = "", headers } = request;
    const log = (status: number, bytes: number) => requests.push({ method, url, status, bytes });
    if (options.authorization !== undefined && headers.authorization !== options.authorization) {
      log(401, 0);
      response.writeHead(401, { "www-authenticate": 'Basic realm="lab"' }).end();
      return;
    }
    const [path = "", query = ""] = url.split("?", 2);
    const env: Record<string, string> = {
      PATH: process.env["PATH"] ?? "",
      GIT_CONFIG_NOSYSTEM: "1",
      HOME: directory,
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: method,
      PATH_INFO: path,
      QUERY_STRING: query,
      REMOTE_ADDR: "127.0.0.1",
      CONTENT_TYPE: headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(headers["git-protocol"] ?? ""),
    };
    const backend = spawn("git", ["-c", "safe.directory=*", "http-backend"], {
      env,
      stdio: ["pipe", "pipe", "ignore"],
    });
    response.once("close", () => backend.kill());
    backend.stdin.on("error", () => undefined); // it need not read all
    request.pipe(backend.stdin);
    let head = Buffer.alloc(0);
    let bytes = 0;
    let begun = false;
    for await (const chunk of backend.stdout as AsyncIterable<Buffer>) {
      if (begun) {
        await send(chunk);
        continue;
      }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) continue;
      begun = true;
      for (const line of head.subarray(0, end).toString().split("\r\n")) {
        const colon = line.indexOf(":");
        const value = line.slice(colon + 1).trim();
        if (/^status$/i.test(line.slice(0, colon))) response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(line.slice(0, colon), value);
      }
      await send(head.subarray(end + 4));
    }
    if (!begun) response.statusCode = 500;
    log(response.statusCode, bytes);
    response.end();

    async function send(chunk: Buffer): Promise<void> {
      bytes += chunk.byteLength;
      response.write(chunk);
      if (!stalling || bytes < stalling.afterBytes || method !== "POST") return;
      stalling.waits();
      await Promise.race([stalling.until, once(response, "close")]);
    }
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stall: (afterBytes) => {
      const waiting = Promise.withResolvers<void>();
      const flowing = Promise.withResolvers<void>();
      stalling = { afterBytes, waits: waiting.resolve, until: flowing.promise };
      flow = flowing.resolve;
      return waiting.promise;
    },
    flow: () => {
      stalling = undefined;
      flow();
    },
    [Symbol.asyncDispose]: async () => {
      flow();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
