import type { IncomingMessage, ServerResponse } from "node:http";
import { sendObject } from "./served.ts";

/** A request that is refused. */
export class AzureRefusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message = "The request was refused.") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Blobs in memory, by their paths, as Azure's service for blobs keeps them: whole ones, and those that are made of blocks. */
export class LabBlobs {
  readonly objects = new Map<string, { readonly bytes: Buffer }>();
  /** What was done, in order: `PutBlob path`, `PutBlock path`, `PutBlockList path`, `GetBlob path`, … */
  readonly operations: string[] = [];
  /** `cut`: the next large download breaks off. `busy`: the next request is refused for the moment. */
  readonly faults: ("cut" | "busy")[] = [];
  readonly #blocks = new Map<string, Map<string, Buffer>>();

  /** Answers a request that was found to be allowed. @throws {AzureRefusal} */
  answer(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams, body: Buffer): void {
    const { method, headers } = request;
    response.setHeader("x-ms-request-id", String(this.operations.length));
    response.setHeader("etag", `"${path}"`);
    if (headers["x-ms-version"] === undefined) throw new AzureRefusal(400, "MissingRequiredHeader");
    if (this.faults[0] === "busy") {
      this.faults.shift();
      throw new AzureRefusal(503, "ServerBusy", "The server is busy.");
    }
    const found = this.objects.get(path);
    const made = (operation: string) => {
      this.operations.push(`${operation} ${path}`);
      response.writeHead(201, { "content-length": "0" }).end();
    };
    if (method === "GET" || method === "HEAD") {
      this.operations.push(
        `${method === "GET" ? "GetBlob" : "HeadBlob"} ${path}${headers.range ? ` ${headers.range}` : ""}`,
      );
      if (!found) throw new AzureRefusal(404, "BlobNotFound", "The specified blob does not exist.");
      const isCut = this.faults[0] === "cut" && method === "GET" && found.bytes.byteLength > 4096;
      if (isCut) this.faults.shift();
      return sendObject(request, response, found.bytes, { "x-ms-blob-type": "BlockBlob" }, isCut ? 4096 : undefined);
    }
    if (method !== "PUT") throw new AzureRefusal(405, "UnsupportedHttpVerb");
    if (query.get("comp") === "block") {
      const blocks = this.#blocks.get(path) ?? new Map<string, Buffer>();
      const id = query.get("blockid") ?? "";
      if ([...blocks.keys()].some((other) => other.length !== id.length))
        throw new AzureRefusal(400, "InvalidBlobOrBlock");
      this.#blocks.set(path, blocks.set(id, body));
      return made("PutBlock");
    }
    if (found && headers["if-none-match"] === "*") throw new AzureRefusal(409, "BlobAlreadyExists");
    if (query.get("comp") === "blocklist") {
      const blocks = this.#blocks.get(path);
      const bytes = [...body.toString().matchAll(/<(?:Latest|Uncommitted)>([^<]+)</g)].map(([, id = ""]) => {
        const block = blocks?.get(id);
        if (!block) throw new AzureRefusal(400, "InvalidBlockList", "The specified block list is invalid.");
        return block;
      });
      this.#blocks.delete(path);
      this.objects.set(path, { bytes: Buffer.concat(bytes) });
      return made("PutBlockList");
    }
    if (headers["x-ms-blob-type"] !== "BlockBlob") throw new AzureRefusal(400, "InvalidHeaderValue");
    this.objects.set(path, { bytes: body });
    made("PutBlob");
  }
}

/** Tells why a request is refused, as Azure does. */
export function refuse(
  { method }: IncomingMessage,
  response: ServerResponse,
  { status, code, message }: AzureRefusal,
): void {
  const text = `\uFEFF<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}\nRequestId:0</Message></Error>`;
  response.writeHead(status, {
    "content-type": "application/xml",
    "x-ms-error-code": code,
    "content-length": String(Buffer.byteLength(text)),
  });
  response.end(method === "HEAD" ? "" : text);
}
