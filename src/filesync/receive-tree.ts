import { createHash, type Hash } from "node:crypto";
import { write, writeSync } from "node:fs";
import { promisify } from "node:util";
import type { fsutil } from "../api/mod.ts";
import { asBuildError, BuildError, isSystemError, messageOf } from "../base/errors/mod.ts";
import { EntryWriter, type OpenFile } from "./entry-writer.ts";
import type { FileStat } from "./file-stat.ts";
import { decodePacket, encodePacket, type PacketStream } from "./packets.ts";
import { ReceivedOrder } from "./received-order.ts";
import { type WalkedFile, walkTree } from "./walk.ts";
import { metadataFile, MetadataLog } from "./metadata-log.ts";
import { decodeStat } from "./wire-stat.ts";

const writeAsync = promisify(write);
/** Chunks below this are written at once: a trip to the thread pool would cost more. */
const writeAsyncFromBytes = 64 * 1024;
/** Files whose contents may arrive interleaved. */
const maxOpenFiles = 64;
/** A file may grow while it is sent, but not without end. */
const maxGrowthBytes = 64 * 1024 * 1024;

/** What {@link receiveTree} wants to know. */
export interface ReceiveOptions {
  readonly signal: AbortSignal;
  /**
   * What happens to entries that are there already. `mirror`: what looks the same (size, times, mode, owner, links) is kept and not asked for, what is
   * not sent is removed. `replace`: everything is asked for, what is not sent is removed. `merge`: everything is asked for, nothing is removed.
   */
  readonly mode: "mirror" | "replace" | "merge";
  /** Changes an entry before it is compared and written (its owner, for instance); `undefined` leaves it out. Its path and type must stay. */
  readonly map?: ((entry: FileStat) => FileStat | undefined) | undefined;
  /**
   * Takes over only the entries for which it says so, with the directories that lead there; of all, what was said goes into {@link metadataFile}.
   * An entry of that name is never taken over.
   */
  readonly only?: ((path: string) => boolean) | undefined;
  /** Whether to compute the sha256 of what arrives. Default false. */
  readonly digests?: boolean | undefined;
  /** Most entries that are accepted. Default 2,000,000. */
  readonly maxEntries?: number | undefined;
  /** Told the bytes that have arrived so far. */
  readonly onProgress?: ((receivedBytes: number) => void) | undefined;
}

/** What a transfer has done. */
export interface ReceivedTree {
  /** Entries that were sent. */
  readonly entries: number;
  /** Files whose bytes were asked for. */
  readonly requested: number;
  readonly receivedBytes: number;
  /** `sha256:<hex>` of the files that were asked for, by path; empty unless wanted. */
  readonly digests: ReadonlyMap<string, string>;
}

/**
 * Receives a tree into the directory `root` and resolves when it is complete on disk and the sender has ended the stream. Every entry but a directory appears
 * by rename; a transfer that fails leaves the entries that were complete, and the next one in `mirror` mode goes on from there.
 * @throws {BuildError} `invalid_argument` when the sender breaks the protocol, or what it says went wrong (`error from sender: …`)
 */
export async function receiveTree(stream: PacketStream, root: string, options: ReceiveOptions): Promise<ReceivedTree> {
  let receiver: TreeReceiver | undefined;
  try {
    receiver = new TreeReceiver(stream, root, options);
    return await receiver.run();
  } catch (error) {
    const told = naming(root, error);
    if (!receiver?.senderGone) await stream.send(encodePacket({ type: "error", message: messageOf(told) }));
    throw told;
  } finally {
    receiver?.[Symbol.dispose]();
  }
}

/** What the system refuses names a descriptor, if anything: people know the directory. */
function naming(root: string, error: unknown): unknown {
  if (!isSystemError(error) || (error.path !== undefined && !error.path.startsWith("/proc/self/"))) return error;
  const { code, message } = asBuildError(Object.assign(error, { path: undefined }));
  return new BuildError(code, `cannot write to ${root}: ${message}`, { cause: error });
}

/** A file that has been asked for. */
interface PendingFile {
  readonly stat: FileStat;
  readonly hash: Hash | undefined;
  file: OpenFile | undefined;
  bytes: number;
}

class TreeReceiver implements Disposable {
  /** Whether the sender has failed or hung up: then there is nobody to tell about errors. */
  senderGone = false;
  readonly #stream: PacketStream;
  readonly #options: ReceiveOptions;
  readonly #writer: EntryWriter;
  readonly #order = new ReceivedOrder();
  /** What was there before and has not been sent so far. */
  readonly #before: Map<string, WalkedFile>;
  readonly #pending = new Map<number, PendingFile>();
  readonly #digests = new Map<string, string>();
  readonly #directories = new Map<string, FileStat>();
  /** Directories whose metadata must be set at the end, since something in them has changed. */
  readonly #touched = new Set<string>();
  /** Files that exist anew, so that hardlinks to them must be made again. */
  readonly #rewritten = new Set<string>();
  /** Hardlinks, made when the files they name are complete. */
  readonly #links: FileStat[] = [];
  /** Directories that the map has left out; what is in them is left out, too. */
  #skipped: string | undefined;
  readonly #metadata: MetadataLog | undefined;
  #entries = 0;
  #requested = 0;
  #openFiles = 0;
  #receivedBytes = 0;
  constructor(stream: PacketStream, root: string, options: ReceiveOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#writer = new EntryWriter(root);
    this.#before = new Map();
    this.#metadata = options.only && new MetadataLog(options.only);
    if (options.mode !== "merge") {
      for (const entry of walkTree(root, { xattrs: false })) this.#before.set(entry.path, entry);
    }
  }
  async run(): Promise<ReceivedTree> {
    const incoming = this.#stream.incoming[Symbol.asyncIterator]();
    let walkEnded = false;
    while (!walkEnded || this.#pending.size > 0) {
      const next = await incoming.next();
      this.#options.signal.throwIfAborted();
      if (next.done) {
        this.senderGone = true;
        throw new BuildError("unavailable", "the sender ended the transfer early: unexpected EOF");
      }
      this.#receivedBytes += next.value.byteLength;
      this.#options.onProgress?.(this.#receivedBytes);
      const packet = decodePacket(next.value);
      switch (packet.type) {
        case "stat":
          if (walkEnded) throw new BuildError("invalid_argument", "unexpected entry after the end of the walk");
          this.#onStat(packet.stat);
          break;
        case "end of walk":
          if (walkEnded) throw new BuildError("invalid_argument", "the walk ended twice");
          walkEnded = true;
          break;
        case "data":
          await this.#onData(packet.id, packet.data);
          break;
        case "error":
          this.senderGone = true;
          throw new BuildError("unknown", `error from sender: ${packet.message}`);
        default:
          throw new BuildError("invalid_argument", `unexpected packet "${packet.type}" from sender`);
      }
    }
    this.#finish();
    if (this.#metadata) await this.#writeMetadata(this.#metadata);
    await this.#stream.send(encodePacket({ type: "finish" }));
    await this.#drain(incoming);
    return {
      entries: this.#entries,
      requested: this.#requested,
      receivedBytes: this.#receivedBytes,
      digests: this.#digests,
    };
  }
  [Symbol.dispose](): void {
    for (const { file } of this.#pending.values()) if (file) this.#writer.abortFile(file);
    this.#writer[Symbol.dispose]();
  }
  /** After FIN the sender answers FIN and ends its side. */
  async #drain(incoming: AsyncIterator<Uint8Array>): Promise<void> {
    for (let next = await incoming.next(); !next.done; next = await incoming.next()) {
      const packet = decodePacket(next.value);
      if (packet.type !== "finish")
        throw new BuildError("invalid_argument", `unexpected packet "${packet.type}" after the end`);
    }
  }
  #onStat(wire: fsutil.Stat): void {
    const sent = decodeStat(wire);
    const id = this.#entries++;
    if (id >= (this.#options.maxEntries ?? 2_000_000))
      throw new BuildError("resource_exhausted", `more than ${id} entries`);
    this.#order.accept(sent);
    if (this.#skipped !== undefined && sent.path.startsWith(`${this.#skipped}/`)) return;
    for (const entry of this.#metadata?.admit(sent, wire) ?? [sent]) this.#take(entry, id);
  }
  #take(sent: FileStat, id: number): void {
    const stat = this.#options.map ? this.#options.map(sent) : sent;
    if (!stat) {
      if (sent.type === "dir") this.#skipped = sent.path;
      return;
    }
    const before = this.#before.get(stat.path);
    this.#before.delete(stat.path);
    if (stat.type === "dir") this.#directories.set(stat.path, stat);
    if (
      this.#options.mode === "mirror" &&
      before &&
      looksSame(before, stat) &&
      !this.#rewritten.has(stat.hardlink ?? "")
    )
      return;
    this.#touch(stat.path);
    if (stat.type === "dir") {
      this.#writer.openDirectory(stat.path);
      this.#touched.add(stat.path);
      return;
    }
    this.#rewritten.add(stat.path);
    if (stat.hardlink !== undefined) this.#links.push(stat);
    else if (stat.type === "file" && stat.size > 0) this.#request(id, stat);
    else this.#writer.writeSpecial(stat);
  }
  /** Something in the directory of `path` is about to change: makes it writable and remembers to set its metadata at the end. */
  #touch(path: string): void {
    const parent = parentOf(path);
    if (parent === "" || this.#touched.has(parent)) return;
    this.#touched.add(parent);
    this.#writer.openDirectory(parent);
  }
  #request(id: number, stat: FileStat): void {
    const hash = this.#options.digests ? createHash("sha256") : undefined;
    this.#pending.set(id, { stat, hash, file: undefined, bytes: 0 });
    this.#requested++;
    // Not awaited: a sender that waits for us to read its data does not read our requests meanwhile.
    void this.#stream.send(encodePacket({ type: "request", id }));
  }
  async #onData(id: number, data: Uint8Array): Promise<void> {
    const pending = this.#pending.get(id);
    if (!pending) throw new BuildError("invalid_argument", `invalid file request ${id}`);
    const { stat, hash } = pending;
    if (!pending.file) {
      if (++this.#openFiles > maxOpenFiles)
        throw new BuildError("resource_exhausted", "too many files are sent at once");
      pending.file = this.#writer.openFile(stat.path);
    }
    if (data.byteLength === 0) {
      this.#pending.delete(id);
      this.#openFiles--;
      this.#writer.finishFile(pending.file, stat);
      if (hash) this.#digests.set(stat.path, `sha256:${hash.digest("hex")}`);
      return;
    }
    pending.bytes += data.byteLength;
    if (pending.bytes > stat.size + maxGrowthBytes) {
      throw new BuildError(
        "invalid_argument",
        `file ${JSON.stringify(stat.path)} is much larger than the ${stat.size} bytes announced`,
      );
    }
    hash?.update(data);
    if (data.byteLength < writeAsyncFromBytes) writeAllSync(pending.file.fd, data);
    else await writeAll(pending.file.fd, data);
  }
  async #writeMetadata({ bytes }: MetadataLog): Promise<void> {
    const data = bytes();
    const stat = {
      path: metadataFile,
      type: "file",
      mode: 0o644,
      size: data.byteLength,
      mtimeSec: 0,
      mtimeNsec: 0,
    } as const;
    const file = this.#writer.openFile(metadataFile);
    await writeAll(file.fd, data);
    this.#writer.finishFile(file, { ...stat, uid: 0, gid: 0 });
  }
  /** Removes what was not sent, makes hardlinks and sets the metadata of directories, deepest first. */
  #finish(): void {
    for (const link of this.#links) this.#writer.writeSpecial(link);
    for (const path of this.#before.keys()) {
      // What stood below something that is gone or no directory any more went with it.
      const parent = parentOf(path);
      if (parent !== "" && !this.#directories.has(parent)) continue;
      this.#touch(path);
      this.#writer.remove(path);
    }
    for (const stat of [...this.#directories.values()].reverse()) {
      if (this.#touched.has(stat.path)) this.#writer.finishDirectory(stat);
    }
  }
}

/** The directory of a path; "" is the root. */
function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** Whether what is on disk looks like what was sent, as fsutil compares: no contents, no attributes. */
function looksSame(before: WalkedFile, sent: FileStat): boolean {
  return (
    before.type === sent.type &&
    before.mode === sent.mode &&
    before.uid === sent.uid &&
    before.gid === sent.gid &&
    before.devMajor === sent.devMajor &&
    before.devMinor === sent.devMinor &&
    before.linkname === sent.linkname &&
    before.hardlink === sent.hardlink &&
    (sent.type === "dir" ||
      (before.size === sent.size && before.mtimeSec === sent.mtimeSec && before.mtimeNsec === sent.mtimeNsec))
  );
}

function writeAllSync(fd: number, data: Uint8Array): void {
  for (let at = 0; at < data.byteLength; ) at += writeSync(fd, data, at);
}

async function writeAll(fd: number, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.byteLength; ) at += (await writeAsync(fd, data, at)).bytesWritten;
}
