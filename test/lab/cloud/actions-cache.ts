import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { AzureRefusal, LabBlobs, refuse } from "./block-blobs.ts";
import { bodyOf, sendObject, type Served, serve } from "./served.ts";

/** What a job may do with a part of a cache. */
export type Access = "read" | "write";

/** The cache that jobs of GitHub Actions have, in memory: both versions of its API, and what GitHub's own API tells of it. */
export interface LabActionsCache extends Served {
  /** A job's token. @param scopes by branch; @param validSeconds negative: it was valid once */
  token(scopes: Readonly<Record<string, Access>>, validSeconds?: number): string;
  /** Keys of what is complete, oldest first. */
  readonly keys: () => readonly string[];
  /** What was written, by key. */
  readonly objects: () => ReadonlyMap<string, { readonly bytes: Buffer }>;
  /** What was asked for, in order: the method and the path, or the call's name, with the status. */
  readonly calls: string[];
  /** `busy`: the next call is one too many. `stale`: the next signed URL is not valid. */
  readonly faults: ("busy" | "stale")[];
  /** Storage of the second version. */
  readonly blobs: LabBlobs;
  /** For GitHub's own API. */
  readonly githubToken: string;
}

interface Entry {
  readonly id: number;
  readonly scope: string;
  readonly key: string;
  readonly version: string;
  readonly chunks: { readonly begin: number; readonly bytes: Buffer }[];
  bytes: Buffer | undefined;
}

class Refusal extends Error {
  readonly status: number;
  readonly kind: string;
  constructor(status: number, kind: string, message: string) {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

/** Starts a cache of one repository. */
export async function startActionsCache(): Promise<LabActionsCache> {
  const secret = randomBytes(32);
  const githubToken = randomBytes(12).toString("hex");
  const entries: Entry[] = [];
  const blobs = new LabBlobs();
  const calls: string[] = [];
  const faults: LabActionsCache["faults"] = [];
  const sign = (text: string) => createHmac("sha256", secret).update(text).digest("base64url");

  const scopesOf = ({ headers }: IncomingMessage): readonly { Scope: string; Permission: number }[] => {
    const [, head, claims = "", signature = ""] =
      /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(headers.authorization ?? "") ?? [];
    const want = Buffer.from(sign(`${head}.${claims}`));
    const given = Buffer.from(signature);
    if (want.byteLength !== given.byteLength || !timingSafeEqual(want, given)) {
      throw new Refusal(
        401,
        "unauthenticated",
        "authentication error: failed to get claims: token signature is invalid",
      );
    }
    const { ac, exp } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { ac: string; exp: number };
    if (exp * 1000 < Date.now()) throw new Refusal(401, "unauthenticated", "token is expired");
    return JSON.parse(ac) as { Scope: string; Permission: number }[];
  };
  const find = (request: IncomingMessage, keys: readonly string[], version: string) => {
    for (const { Scope } of scopesOf(request)) {
      const there = entries.filter((entry) => entry.bytes && entry.scope === Scope && entry.version === version);
      for (const key of keys) {
        const found = there.find((entry) => entry.key === key) ?? there.findLast((entry) => entry.key.startsWith(key));
        if (found) return found;
      }
    }
    return undefined;
  };
  const writable = (request: IncomingMessage): string => {
    const scope = scopesOf(request).find(({ Permission }) => Permission & 2)?.Scope;
    if (scope === undefined)
      throw new Refusal(403, "permission_denied", "cache write denied: token has no writable scopes");
    return scope;
  };
  const reserve = (request: IncomingMessage, key: string, version: string) => {
    const scope = writable(request);
    if (entries.some((entry) => entry.scope === scope && entry.key === key && entry.version === version)) {
      throw new Refusal(409, "already_exists", "cache entry with the same key, version, and scope already exists");
    }
    const entry: Entry = { id: entries.length + 1, scope, key, version, chunks: [], bytes: undefined };
    entries.push(entry);
    return entry;
  };
  const reserved = (request: IncomingMessage, wanted: (entry: Entry) => boolean) => {
    const scope = writable(request);
    const entry = entries.find((each) => each.scope === scope && !each.bytes && wanted(each));
    if (!entry) throw new Refusal(404, "not_found", "no such upload");
    return entry;
  };
  const finish = (entry: Entry, bytes: Buffer | undefined, size: number) => {
    if (bytes?.byteLength !== size)
      throw new Refusal(400, "invalid_argument", `size ${size} is not ${bytes?.byteLength}`);
    entry.bytes = bytes;
  };
  const signedUrl = (base: string, id: number, permission: "r" | "w") => {
    const isStale = faults[0] === "stale" && permission === "r";
    if (isStale) faults.shift();
    const expires = Date.now() + (isStale ? -1000 : 600_000);
    return `${base}/storage/${id}?se=${expires}&sp=${permission}&sig=${sign(`${id} ${expires} ${permission}`)}`;
  };
  const storage = (request: IncomingMessage, response: ServerResponse, url: URL, body: Buffer) => {
    const id = Number(url.pathname.split("/")[2]);
    const [expires, permission, signature] = ["se", "sp", "sig"].map((name) => url.searchParams.get(name) ?? "");
    const wanted = request.method === "PUT" ? "w" : "r";
    if (signature !== sign(`${id} ${expires} ${permission}`) || Number(expires) < Date.now() || permission !== wanted) {
      throw new AzureRefusal(403, "AuthenticationFailed", "Signature not valid in the specified time frame");
    }
    if (request.headers.authorization !== undefined) throw new AzureRefusal(400, "InvalidAuthenticationInfo");
    const entry = entries[id - 1];
    // Of the first version, or of the second.
    if (entry && entry.chunks.length > 0 && entry.bytes) return sendObject(request, response, entry.bytes, {});
    blobs.answer(request, response, String(id), url.searchParams, body);
  };

  /** The first version of the API. @returns status and JSON */
  const artifactCache = (request: IncomingMessage, url: URL, body: Buffer, base: string): [number, unknown?] => {
    if (!/;api-version=6\.0-preview/.test(request.headers.accept ?? "")) throw new Refusal(400, "", "no api-version");
    const path = url.pathname.replace("/_apis/artifactcache/", "");
    const id = Number(/^caches\/(\d+)$/.exec(path)?.[1] ?? 0);
    if (request.method === "GET" && path === "cache") {
      const keys = (url.searchParams.get("keys") ?? "").split(",");
      const found = find(request, keys, url.searchParams.get("version") ?? "");
      if (!found) return [204];
      return [200, { cacheKey: found.key, scope: found.scope, archiveLocation: signedUrl(base, found.id, "r") }];
    }
    if (request.method === "POST" && path === "caches") {
      const { key, version } = JSON.parse(body.toString()) as { key: string; version: string };
      return [201, { cacheId: reserve(request, key, version).id }];
    }
    const entry = reserved(request, (each) => each.id === id);
    if (request.method === "PATCH") {
      const [, begin, end] = /^bytes (\d+)-(\d+)\/\*$/.exec(request.headers["content-range"] ?? "") ?? [];
      if (Number(end) - Number(begin) + 1 !== body.byteLength) throw new Refusal(400, "", "invalid Content-Range");
      entry.chunks.push({ begin: Number(begin), bytes: body });
      return [204];
    }
    const chunks = entry.chunks.toSorted((a, b) => a.begin - b.begin);
    let end = 0;
    for (const { begin, bytes } of chunks) {
      if (begin !== end) throw new Refusal(400, "", `a hole at ${end}`);
      end += bytes.byteLength;
    }
    finish(
      entry,
      Buffer.concat(chunks.map(({ bytes }) => bytes)),
      (JSON.parse(body.toString()) as { size: number }).size,
    );
    return [204];
  };

  /** The second version. */
  const service = (request: IncomingMessage, name: string, body: Buffer, base: string): unknown => {
    const json = JSON.parse(body.toString()) as {
      key: string;
      version: string;
      restore_keys?: string[];
      size_bytes?: string | number;
    };
    switch (name) {
      case "GetCacheEntryDownloadURL": {
        const found = find(request, [json.key, ...(json.restore_keys ?? [])], json.version);
        if (!found) return { ok: false, signed_download_url: "", matched_key: "" };
        return { ok: true, signed_download_url: signedUrl(base, found.id, "r"), matched_key: found.key };
      }
      case "CreateCacheEntry": {
        const { id } = reserve(request, json.key, json.version);
        return { ok: true, signed_upload_url: signedUrl(base, id, "w") };
      }
      case "FinalizeCacheEntryUpload": {
        const entry = reserved(request, ({ key, version }) => key === json.key && version === json.version);
        finish(entry, blobs.objects.get(String(entry.id))?.bytes, Number(json.size_bytes));
        return { ok: true, entry_id: String(entry.id) };
      }
      default:
        throw new Refusal(404, "bad_route", `no handler for path ${name}`);
    }
  };

  /** GitHub's own API. */
  const listed = ({ headers }: IncomingMessage, { searchParams: query }: URL): unknown => {
    if (headers.authorization !== `Bearer ${githubToken}`) throw new Refusal(401, "", "Bad credentials");
    const there = entries.filter(
      ({ bytes, key, scope }) => bytes && key.startsWith(query.get("key") ?? "") && scope === query.get("ref"),
    );
    const [size, page] = [Number(query.get("per_page") ?? 30), Number(query.get("page") ?? 1)];
    const shown = there.slice(size * (page - 1), size * page);
    return { total_count: there.length, actions_caches: shown.map(({ id, key, scope }) => ({ id, key, ref: scope })) };
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    const base = `http://${request.headers.host}`;
    const url = new URL(request.url ?? "", base);
    const call = /^\/twirp\/github\.actions\.results\.api\.v1\.CacheService\/(\w+)$/.exec(url.pathname)?.[1];
    const send = (status: number, json?: unknown) => {
      calls.push(`${call ?? `${request.method} ${url.pathname}`} ${status}`);
      const text = json === undefined ? "" : JSON.stringify(json);
      response.writeHead(status, {
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(text)),
      });
      response.end(text);
    };
    try {
      if (url.pathname.startsWith("/storage/")) return storage(request, response, url, body);
      if (faults[0] === "busy") {
        faults.shift();
        throw new Refusal(429, "resource_exhausted", "too many requests");
      }
      if (call !== undefined) return send(200, service(request, call, body, base));
      if (url.pathname === "/repos/lab/project/actions/caches") return send(200, listed(request, url));
      if (!url.pathname.startsWith("/_apis/artifactcache/")) throw new Refusal(404, "", "Not Found");
      send(...artifactCache(request, url, body, base));
    } catch (error) {
      if (error instanceof AzureRefusal) return refuse(request, response, error);
      if (!(error instanceof Refusal)) throw error;
      const { status, kind, message } = error;
      if (call !== undefined) return send(status, { code: kind, msg: message });
      const typeKey = kind === "already_exists" ? "ArtifactCacheItemAlreadyExistsException" : kind;
      send(status, { $id: "1", message, typeKey, errorCode: 0 });
    }
  };
  const served = await serve((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  return {
    ...served,
    token(scopes, validSeconds = 3600) {
      const now = Math.floor(Date.now() / 1000);
      const ac = Object.entries(scopes).map(([Scope, access]) => ({ Scope, Permission: access === "write" ? 3 : 1 }));
      const claims = { ac: JSON.stringify(ac), nbf: now - 7200, exp: now + validSeconds };
      const encode = (json: unknown) => Buffer.from(JSON.stringify(json)).toString("base64url");
      const text = `${encode({ typ: "JWT", alg: "HS256" })}.${encode(claims)}`;
      return `${text}.${sign(text)}`;
    },
    keys: () => entries.filter(({ bytes }) => bytes).map(({ key }) => key),
    objects: () => new Map(entries.flatMap(({ key, bytes }) => (bytes ? [[key, { bytes }]] : []))),
    calls,
    faults,
    blobs,
    githubToken,
  };
}
