import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { type FileHandle, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { checkContent, type Descriptor, type Digest, digestAlgorithm, Digester } from "../oci/mod.ts";
import type { Ingest } from "./store.ts";

/** What an ingest needs to know of its store. */
export interface IngestTarget {
  readonly directory: string;
  /** Where the blob belongs; its directory exists. */
  blobPath(digest: Digest): Promise<string>;
}

/** Begins one: makes the file that collects the bytes. */
export async function openIngest(
  target: IngestTarget,
  options: { expected?: Pick<Descriptor, "digest" | "size"> | undefined; signal?: AbortSignal | undefined },
): Promise<Ingest> {
  options.signal?.throwIfAborted();
  const path = join(target.directory, `${ownName()}.${randomBytes(9).toString("hex")}`);
  return new FileIngest(target, path, await open(path, "wx", 0o644), options);
}

/** Small chunks are gathered: one system call for each would cost more than the bytes. */
const gatherBytes = 1024 * 1024;

class FileIngest implements Ingest {
  readonly path: string;
  readonly #target: IngestTarget;
  readonly #expected: Pick<Descriptor, "digest" | "size"> | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #digester: Digester;
  #file: FileHandle | undefined;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** The batch that is on its way to the disk while the next one is gathered and hashed. */
  #writing: Promise<void> = Promise.resolve();
  #ended = false;
  constructor(
    target: IngestTarget,
    path: string,
    file: FileHandle,
    options: { expected?: Pick<Descriptor, "digest" | "size"> | undefined; signal?: AbortSignal | undefined },
  ) {
    this.#target = target;
    this.path = path;
    this.#file = file;
    this.#expected = options.expected;
    this.#signal = options.signal;
    this.#digester = new Digester(options.expected ? digestAlgorithm(options.expected.digest) : "sha256");
  }
  get size(): number {
    return this.#digester.size;
  }
  async write(chunk: Uint8Array): Promise<void> {
    this.#signal?.throwIfAborted();
    const file = this.#file;
    if (!file) throw new Error("Internal error: write to an ingest that has ended");
    this.#digester.update(chunk);
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.byteLength;
    if (this.#gatheredBytes >= gatherBytes) await this.#flush(file);
  }
  async commit(claimed?: {
    readonly digest: Digest;
    readonly size: number;
  }): Promise<{ digest: Digest; size: number }> {
    if (this.#ended) throw new Error("Internal error: commit of an ingest that has ended");
    try {
      this.#signal?.throwIfAborted();
      if (this.#file) await this.#flush(this.#file);
      await this.#close();
      const size = (await stat(this.path)).size;
      const writtenElsewhere = claimed !== undefined && this.#digester.size === 0 && size > 0;
      const got = { size, digest: writtenElsewhere ? claimed.digest : this.#digester.digest() };
      if (claimed) checkContent(claimed, got);
      if (this.#expected) checkContent(this.#expected, got);
      await rename(this.path, await this.#target.blobPath(got.digest));
      this.#ended = true;
      return got;
    } catch (error) {
      await this.abort();
      throw error;
    }
  }
  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#close().catch(() => undefined); // a full disk has been reported by the write that met it
    await unlink(this.path).catch(ignoreMissing);
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }
  /** Waits for the batch before this one, and sends this one on its way. */
  async #flush(file: FileHandle): Promise<void> {
    await this.#writing;
    if (this.#gathered.length === 0) return;
    const batch = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#writing = writeAll(file, batch);
    this.#writing.catch(() => undefined); // whoever waits for it next sees the failure
  }
  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    await using _closed = file;
    await this.#writing;
  }
}

async function writeAll(file: FileHandle, batch: Uint8Array[]): Promise<void> {
  let left = batch;
  while (left.length > 0) {
    // The system takes at most 1024 pieces at once, and may take less than it was given.
    let { bytesWritten } = await file.writev(left.slice(0, 1024));
    const next = left.findIndex((chunk) => {
      if (bytesWritten < chunk.byteLength) return true;
      bytesWritten -= chunk.byteLength;
      return false;
    });
    if (next < 0) return;
    left = left.slice(next);
    if (bytesWritten > 0) left[0] = (left[0] as Uint8Array).subarray(bytesWritten);
  }
}

/**
 * Deletes what processes that are no more left half-written. Files carry the pid and the start time of their process, so what another
 * living process (on this machine) is writing stays.
 */
export async function sweepIngests(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const [pid = "", started = ""] = name.split(".");
    if (/^\d+$/.test(pid) && startTime(pid) === started) continue;
    await unlink(join(directory, name)).catch(ignoreMissing);
  }
}

let cachedName: string | undefined;

/** Names this process for as long as the machine is up: a pid alone may come back. */
function ownName(): string {
  return (cachedName ??= `${process.pid}.${startTime(String(process.pid)) ?? ""}`);
}

/** When the process began, in clock ticks since boot; `undefined` when there is no such process. */
function startTime(pid: string): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19]; // field 22; the name before may hold blanks and brackets
  } catch {
    return undefined;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
