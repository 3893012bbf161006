import { randomUUID } from "node:crypto";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { decodeImageDocument, type Digest, digestOf, isDigest } from "../../oci/mod.ts";
import { Access, type TestAuth } from "./access.ts";
import { type PlannedFault, strike } from "./fault.ts";
import { Storage } from "./storage.ts";

/** How a test registry is set up. */
export interface TestRegistryOptions {
  readonly auth?: TestAuth;
  /** Certificate and key (PEM) to speak HTTPS with. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Whether upload locations are paths (as the specification allows) rather than URLs. */
  readonly relativeLocations?: boolean;
  /** Where blobs really are: GETs are redirected there, to the same path. */
  readonly blobRedirect?: string;
}

/** A request that came in. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

/** A registry in this process, on a port of its own. Dispose of it to stop. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly storage: Storage;
  /** All requests, in order of arrival. */
  readonly requests: readonly SeenRequest[];
  /** Plans a fault; the first one planned that fits strikes. */
  plan(fault: PlannedFault): void;
  /** As if all tokens had ended. */
  revokeTokens(): void;
}

/** Starts one. It follows the OCI distribution specification; blobs and manifests are kept in memory. */
export async function startTestRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const server = options.tls ? createHttpsServer(options.tls) : createHttpServer();
  server.listen(0, "127.0.0.1");
  await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const registry = new InProcessRegistry(server, host, options);
  server.on("request", (request: IncomingMessage, response: ServerResponse) => void registry.handle(request, response));
  return registry;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly repository: string;
  /** What stands after the repository and the kind of thing. */
  readonly rest: string;
}

class InProcessRegistry implements TestRegistry {
  readonly host: string;
  readonly storage = new Storage();
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;
  readonly #origin: string;
  readonly #options: TestRegistryOptions;
  readonly #access: Access;
  readonly #faults: { planned: PlannedFault; left: number }[] = [];
  readonly #uploads = new Map<string, Uint8Array[]>();
  constructor(server: Server, host: string, options: TestRegistryOptions) {
    this.#server = server;
    this.#options = options;
    this.host = host;
    this.#origin = `${options.tls ? "https" : "http"}://${host}`;
    this.#access = new Access(options.auth, `${this.#origin}/token`);
  }
  plan(planned: PlannedFault): void {
    this.#faults.push({ planned, left: planned.times ?? 1 });
  }
  revokeTokens(): void {
    this.#access.revokeTokens();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/" } = request;
    this.requests.push({ method, path, headers: request.headers });
    response.on("error", () => undefined);
    const fault = this.#faults.find(
      ({ planned, left }) => left > 0 && planned.when({ method, path, headers: request.headers }),
    );
    if (fault) {
      fault.left--;
      if (strike(fault.planned.fault, request, response)) return;
    }
    try {
      await this.#route(request, response, new URL(path, this.#origin));
    } catch (error) {
      if (!response.headersSent) fail(response, 500, "UNKNOWN", String(error));
    }
  }
  async #route(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    if (url.pathname === "/token") return await this.#token(request, response, url);
    const [, repository, kind, rest = ""] =
      /^\/v2\/(.+?)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/(.*)$/.exec(url.pathname) ?? [];
    const action = request.method === "GET" || request.method === "HEAD" ? "pull" : "push";
    const refusal = this.#access.check(request, repository ?? "", action);
    if (refusal) {
      request.resume();
      response.setHeader("www-authenticate", refusal.challenge);
      return fail(response, refusal.status, "UNAUTHORIZED", "authentication required");
    }
    if (url.pathname === "/v2/") return void response.writeHead(200).end("{}");
    if (repository === undefined) return fail(response, 404, "NAME_UNKNOWN", "no such place");
    const call: Call = { request, response, url, repository, rest };
    switch (kind) {
      case "blobs":
        return this.#blob(call);
      case "blobs/uploads":
        return await this.#upload(call);
      case "manifests":
        return await this.#manifest(call);
      case "tags":
        return this.#tags(call);
      default:
        return this.#referrers(call);
    }
  }
  async #token(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const form = new URLSearchParams(Buffer.concat(await chunksOf(request)).toString());
    const { status, body } = this.#access.grant(request.method ?? "GET", url, request.headers.authorization, form);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }
  #blob({ request, response, url, repository, rest }: Call): void {
    const bytes = this.storage.blob(repository, rest);
    if (!bytes) return fail(response, 404, "BLOB_UNKNOWN", "blob unknown to registry");
    if (this.#options.blobRedirect !== undefined && request.method === "GET") {
      return void response.writeHead(307, { location: this.#options.blobRedirect + url.pathname }).end();
    }
    const [, fromText] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
    const from = Number(fromText ?? 0);
    if (from > 0 && from >= bytes.byteLength) return fail(response, 416, "RANGE_INVALID", "range not satisfiable");
    const part = bytes.subarray(from);
    response.writeHead(fromText === undefined ? 200 : 206, {
      "content-type": "application/octet-stream",
      "content-length": part.byteLength,
      "docker-content-digest": rest,
      ...(fromText === undefined
        ? {}
        : { "content-range": `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}` }),
    });
    if (request.method === "HEAD") return void response.end();
    for (let at = 0; at < part.byteLength; at += 65536) response.write(part.subarray(at, at + 65536));
    response.end();
  }
  async #upload({ request, response, url, repository, rest }: Call): Promise<void> {
    const digest = url.searchParams.get("digest");
    if (request.method === "POST") {
      request.resume();
      const [mount, from] = [url.searchParams.get("mount"), url.searchParams.get("from")];
      // Whoever may push here must also be allowed to read there.
      if (mount && from && !this.#access.check(request, from, "pull") && this.storage.mount(from, repository, mount)) {
        return void response.writeHead(201, { location: `/v2/${repository}/blobs/${mount}` }).end();
      }
      const id = randomUUID();
      this.#uploads.set(id, []);
      const path = `/v2/${repository}/blobs/uploads/${id}?state=a%2Fb`;
      return void response
        .writeHead(202, { location: this.#options.relativeLocations ? path : this.#origin + path })
        .end();
    }
    const parts = this.#uploads.get(rest);
    if (!parts) return fail(response, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    parts.push(...(await chunksOf(request)));
    if (request.method === "PATCH") return void response.writeHead(202, { location: url.pathname }).end();
    if (request.method !== "PUT") return fail(response, 405, "UNSUPPORTED", "the operation is unsupported");
    this.#uploads.delete(rest);
    const bytes = Buffer.concat(parts);
    if (digest === null || digestOf(bytes) !== digest)
      return fail(response, 400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    this.storage.addBlob(repository, bytes);
    response.writeHead(201, { location: `/v2/${repository}/blobs/${digest}`, "docker-content-digest": digest }).end();
  }
  async #manifest({ request, response, repository, rest }: Call): Promise<void> {
    if (request.method === "PUT") {
      const bytes = Buffer.concat(await chunksOf(request));
      const mediaType = request.headers["content-type"] ?? "";
      const missing = this.#missing(repository, bytes, mediaType);
      if (missing instanceof Error) return fail(response, 400, "MANIFEST_INVALID", missing.message);
      if (missing) return fail(response, 400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", missing);
      const digest = this.storage.addManifest(repository, { mediaType, bytes }, isDigest(rest) ? undefined : rest);
      return void response
        .writeHead(201, { location: `/v2/${repository}/manifests/${digest}`, "docker-content-digest": digest })
        .end();
    }
    const manifest = this.storage.manifest(repository, rest);
    if (!manifest) return fail(response, 404, "MANIFEST_UNKNOWN", "manifest unknown");
    response.writeHead(200, {
      "content-type": manifest.mediaType,
      "content-length": manifest.bytes.byteLength,
      "docker-content-digest": digestOf(manifest.bytes),
    });
    response.end(request.method === "HEAD" ? undefined : manifest.bytes);
  }
  /** What a manifest names and the repository lacks. */
  #missing(repository: string, bytes: Uint8Array, mediaType: string): Digest | Error | undefined {
    try {
      const document = decodeImageDocument(bytes, mediaType);
      if (document.type === "index") {
        return document.index.manifests.find(({ digest }) => !this.storage.manifest(repository, digest))?.digest;
      }
      const { config, layers } = document.manifest;
      return [config, ...layers].find(({ digest }) => !this.storage.blob(repository, digest))?.digest;
    } catch (error) {
      return error as Error;
    }
  }
  #tags({ response, repository }: Call): void {
    const tags = this.storage.tags(repository);
    if (!tags) return fail(response, 404, "NAME_UNKNOWN", "repository name not known to registry");
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ name: repository, tags }));
  }
  #referrers({ response, repository, rest }: Call): void {
    const manifests = this.storage.manifests(repository).flatMap(({ bytes, mediaType }) => {
      const { subject, artifactType } = JSON.parse(Buffer.from(bytes).toString()) as {
        subject?: { digest: string };
        artifactType?: string;
      };
      return subject?.digest === rest
        ? [{ mediaType, digest: digestOf(bytes), size: bytes.byteLength, artifactType }]
        : [];
    });
    const mediaType = "application/vnd.oci.image.index.v1+json";
    response
      .writeHead(200, { "content-type": mediaType })
      .end(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  }
}

async function chunksOf(request: IncomingMessage): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return chunks;
}

function fail(response: ServerResponse, status: number, code: string, message: string, detail?: string): void {
  response
    .writeHead(status, { "content-type": "application/json" })
    .end(JSON.stringify({ errors: [{ code, message, detail }] }));
}
