import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { BuildError } from "../../../base/errors/mod.ts";
import { detectFraming, type Framing, TarError, TarParser } from "../../../tar/mod.ts";
import type { ArchiveReader } from "../deps.ts";
import { decodeToc, type FileContent, type LayerToc, type TocEntry } from "../../snapshots/mod.ts";

/** How much of a file may be looked at to see whether it is an archive: more than any header takes. */
const sniffBytes = 256 * 1024;

/** What reading an archive takes. */
export interface ArchiveOptions {
  readonly bytes: ArchiveReader;
  /** An existing directory for unpacked bytes; they are needed for as long as the table's contents are. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * The table of contents of an archive (tar, plain or compressed by gzip, bzip2, xz or zstd), with contents; `undefined` when the file
 * is none.
 * @param file a regular file with its content
 * @throws {BuildError} when it begins as an archive and does not go on as one
 */
export async function readArchive(file: TocEntry, options: ArchiveOptions): Promise<LayerToc | undefined> {
  const { bytes, scratch, signal } = options;
  const source = await asRange(file, scratch);
  const head = await readHead(source.file, source.offsetBytes, Math.min(file.size, sniffBytes));
  const framing = detectFraming(head);
  const external = framing === "xz" || framing === "bzip2";
  const plain = external ? await unpackWith(framing, source, file.size, join(scratch, "archive.tar"), signal) : source;
  const first = external && plain ? await readHead(plain.file, 0, sniffBytes) : head;
  if (!plain || !(await beginsAsTar(first, external ? "uncompressed" : framing))) return undefined;
  const tarFile = framing === "gzip" || framing === "zstd" ? join(scratch, "archive.tar") : undefined;
  const { toc } = await bytes.run(
    "read",
    {
      file: plain.file,
      offsetBytes: plain.offsetBytes,
      ...(external ? {} : { size: file.size }),
      plainNames: true,
      ...(tarFile !== undefined && { tarFile }),
    },
    { signal },
  );
  const start = tarFile === undefined ? plain.offsetBytes : 0;
  return decodeToc(toc, (_path, offsetBytes) => ({
    kind: "range",
    file: tarFile ?? plain.file,
    offsetBytes: start + offsetBytes,
  }));
}

type FileRange = Extract<FileContent, { kind: "range" }>;

async function asRange({ path, content }: TocEntry, scratch: string): Promise<FileRange> {
  if (!content) throw new Error(`Internal error: nobody knows where the bytes of "/${path}" are`);
  if (content.kind === "range") return content;
  const file = join(scratch, "archive");
  await writeFile(file, content.data);
  return { kind: "range", file, offsetBytes: 0 };
}

async function readHead(path: string, offsetBytes: number, size: number): Promise<Uint8Array> {
  await using file = await open(path);
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await file.read(buffer, 0, size, offsetBytes);
  return buffer.subarray(0, bytesRead);
}

/** Whether at least one whole header stands at the beginning. */
async function beginsAsTar(head: Uint8Array, framing: Framing): Promise<boolean> {
  let entries = 0;
  const parser = new TarParser({ entry: () => entries++, data: () => undefined, end: () => undefined });
  try {
    parser.push(framing === "uncompressed" ? head : await inflatedHead(head, framing));
  } catch (error) {
    if (!(error instanceof TarError) && !isZlibError(error)) throw error;
  }
  return entries > 0;
}

/** The first bytes that `head` unpacks to, although it may stop in the middle of the stream. */
async function inflatedHead(head: Uint8Array, framing: Framing): Promise<Uint8Array> {
  const inflate =
    framing === "gzip"
      ? createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })
      : createZstdDecompress({ finishFlush: constants.ZSTD_e_flush });
  inflate.end(head);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of inflate as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= sniffBytes) break;
  }
  return Buffer.concat(chunks);
}

function isZlibError(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" && /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB|ERR_STREAM)/.test(code);
}

/**
 * Unpacks with the system's own program, which Node has no counterpart for.
 * @returns `undefined` when the file only looks as if it were packed so
 */
async function unpackWith(
  program: "xz" | "bzip2",
  source: FileRange,
  size: number,
  target: string,
  signal: AbortSignal,
): Promise<FileRange | undefined> {
  await using input = await open(source.file);
  await using output = await open(target, "w", 0o600);
  const child = spawn(program, ["-d", "-c"], {
    stdio: ["pipe", output.fd, "pipe"],
    signal,
  }) as ChildProcessByStdio<Writable, null, Readable>;
  child.stderr.resume();
  const ended = once(child, "close") as Promise<[number | null]>;
  ended.catch(() => undefined); // looked at below, after the input has been handed over
  const bytes = input.createReadStream({
    start: source.offsetBytes,
    end: source.offsetBytes + size - 1,
    autoClose: false,
  });
  bytes.on("error", (error) => child.stdin.destroy(error));
  child.stdin.on("error", () => bytes.destroy()); // it has seen enough
  bytes.pipe(child.stdin);
  try {
    const [code] = await ended;
    return code === 0 ? { kind: "range", file: target, offsetBytes: 0 } : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new BuildError(
      "failed_precondition",
      `cannot unpack ${program} archive: install ${program === "xz" ? "xz-utils" : program}`,
      {
        cause: error,
      },
    );
  }
}
