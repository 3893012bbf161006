import { createHash, randomUUID } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../../base/files/mod.ts";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { type Digest, parseDigest } from "../../../oci/mod.ts";
import { pullUpload, type SessionCaller } from "../../../session/mod.ts";
import type { VertexProgress } from "../../solver/mod.ts";

/** A fetched file. Disposing of it removes it, unless it {@link lasts}. */
export interface Download extends AsyncDisposable {
  readonly directory: string;
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
  /** As the server or the address calls it. */
  readonly filename: string;
  /** Whole seconds since the epoch; 0 where nobody said. */
  readonly modifiedSec: number;
  /** It is there for as long as the client's session, and cannot be had again. */
  readonly lasts: boolean;
}

export interface Downloads {
  /** @throws {BuildError} naming the address: `invalid response status 404` */
  fetch(
    address: URL,
    options: {
      readonly caller: SessionCaller | undefined;
      /** Sent to the server, and to nobody that it redirects to. */
      readonly authorization: string | undefined;
      readonly signal: AbortSignal;
      readonly progress: VertexProgress;
    },
  ): Promise<Download>;
}

/** What is to be stored. */
interface Incoming {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly filename: string;
  readonly modifiedSec: number;
  /** In bytes, where it is known. */
  readonly total: number | undefined;
}

/** Downloads into directories of their own below `root`. */
export function openDownloads(root: string): Downloads {
  return {
    async fetch(address, { caller, authorization, signal, progress }) {
      const fromClient = address.host === "buildkit-session";
      if (fromClient && !caller) {
        throw new BuildError("failed_precondition", "no active sessions: the client of this build offers no session");
      }
      // Names with a dot belong to one build only.
      const directory = join(root, `http.${randomUUID()}`);
      const remove = () => rm(directory, { recursive: true, force: true });
      await makeDirectory(directory, { mode: 0o700 });
      try {
        const incoming =
          fromClient && caller
            ? { bytes: pullUpload(caller, address, { signal }), filename: "context", modifiedSec: 0, total: undefined }
            : await request(address, authorization, signal);
        const path = join(directory, "file");
        const stored = await store(incoming, path, {
          id: fromClient ? "transferring upload" : "downloading",
          signal,
          progress,
        });
        if (fromClient) caller?.closed.addEventListener("abort", () => void remove(), { once: true });
        return {
          ...stored,
          directory,
          path,
          filename: incoming.filename,
          modifiedSec: incoming.modifiedSec,
          lasts: fromClient,
          [Symbol.asyncDispose]: async () => {
            if (!fromClient) await remove();
          },
        };
      } catch (error) {
        await remove();
        throw error;
      }
    },
  };
}

async function request(address: URL, authorization: string | undefined, signal: AbortSignal): Promise<Incoming> {
  const headers = { "accept-encoding": "identity", ...(authorization !== undefined && { authorization }) };
  let response: Response;
  try {
    response = await fetch(address, { signal, headers });
  } catch (cause) {
    signal.throwIfAborted();
    const why = cause instanceof Error && cause.cause ? messageOf(cause.cause) : messageOf(cause);
    throw new BuildError("unavailable", `failed to fetch ${address.href}: ${why}`, { cause });
  }
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new BuildError("unknown", `failed to load ${address.href}: invalid response status ${response.status}`);
  }
  const modified = Date.parse(response.headers.get("last-modified") ?? "");
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  return {
    bytes: response.body,
    filename: nameOf(response.headers.get("content-disposition") ?? "", address),
    modifiedSec: Number.isNaN(modified) ? 0 : Math.floor(modified / 1000),
    total: Number.isNaN(length) ? undefined : length,
  };
}

function nameOf(disposition: string, address: URL): string {
  const given = /filename="?([^";]+)"?/i.exec(disposition)?.[1]?.split("/").at(-1);
  const last = address.pathname.split("/").findLast((part) => part !== "") ?? "";
  for (const name of [given, safeDecode(last)]) {
    if (name !== undefined && name !== "" && name !== "." && name !== ".." && !name.includes("/")) return name;
  }
  return "download";
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function store(
  { bytes, total }: Incoming,
  path: string,
  { id, signal, progress }: { readonly id: string; readonly signal: AbortSignal; readonly progress: VertexProgress },
): Promise<{ readonly size: number; readonly digest: Digest }> {
  const started = new Date();
  const hash = createHash("sha256");
  let size = 0;
  let told = 0;
  await using file = await open(path, "wx", 0o600);
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    hash.update(chunk);
    for (let at = 0; at < chunk.byteLength; ) at += (await file.write(chunk, at)).bytesWritten;
    size += chunk.byteLength;
    if (size - told < tellEveryBytes) continue;
    told = size;
    progress.status({ id, current: size, ...(total === undefined ? {} : { total }), started });
  }
  progress.status({ id, current: size, ...(total === undefined ? {} : { total }), started, completed: new Date() });
  return { size, digest: parseDigest(`sha256:${hash.digest("hex")}`) };
}

const tellEveryBytes = 1024 * 1024;
