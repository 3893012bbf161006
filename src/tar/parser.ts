import { messageOf } from "../base/errors/mod.ts";
import { blockSize, paddingOf, type TarEntry, TarError } from "./entry.ts";
import { decodeHeader, type HeaderBlock, isZeroBlock } from "./header.ts";
import { Extensions } from "./extensions.ts";

/** Told what is in an archive, in order: `entry`, its `data` in pieces, `end`, and again. */
export interface TarHandler {
  /** @param offsetBytes where the content begins, counted from the start of the archive */
  entry(entry: TarEntry, offsetBytes: number): void;
  /** A piece of the current file. A view into the bytes pushed: valid during the call only. */
  data(chunk: Uint8Array): void;
  /** The current entry is complete. */
  end(): void;
}

/** Extended headers and long names larger than this are an attack, not a name. */
const metadataLimit = 1024 * 1024;

/**
 * Reads an archive from pieces of any size: v7, ustar, PAX (with binary xattrs) and GNU (long names, base-256 numbers). Sparse files and
 * multi-volume archives are refused. Holds at most one extended header (1 MiB).
 *
 * Call {@link push} for each piece and {@link finish} at the end. Both are synchronous; what the handler throws comes through.
 */
export class TarParser {
  readonly #handler: TarHandler;
  readonly #block = Buffer.alloc(blockSize);
  #blockFill = 0;
  #state: "header" | "data" | "metadata" | "padding" | "ended" = "header";
  /** Bytes left of the current state, where it counts any. */
  #left = 0;
  #padding = 0;
  #offset = 0;
  #zeroBlocks = 0;
  #started = false;
  #extensions = new Extensions();
  #metadata: { readonly typeflag: string; readonly data: Buffer } | undefined;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  /** Bytes pushed so far. */
  get offsetBytes(): number {
    return this.#offset;
  }

  /** @throws {TarError} when these bytes are no archive */
  push(chunk: Uint8Array): void {
    const start = this.#offset;
    for (let at = 0; at < chunk.length; ) {
      this.#offset = start + at;
      at += this.#take(at === 0 ? chunk : chunk.subarray(at));
    }
    this.#offset = start + chunk.length;
  }

  /** Says that no more bytes follow. @throws {TarError} when something is missing */
  finish(): void {
    // Many programs leave out the two zero blocks at the end; everybody accepts that.
    if (this.#state === "ended" || (this.#state === "header" && this.#blockFill === 0 && this.#extensions.empty))
      return;
    if (this.#state === "padding" && this.#left < blockSize && this.#extensions.empty) return;
    if (!this.#started) throw new TarError("not a tar archive: shorter than a header");
    throw new TarError("unexpected EOF: the archive is truncated");
  }

  /** Consumes some of `chunk` (not empty) and says how many bytes. */
  #take(chunk: Uint8Array): number {
    switch (this.#state) {
      case "header":
        return this.#takeHeader(chunk);
      case "data":
        return this.#counted(chunk, (piece) => this.#handler.data(piece));
      case "metadata":
        return this.#counted(chunk, (piece) => {
          const { data } = this.#metadata as { data: Buffer };
          data.set(piece, data.length - this.#left);
        });
      case "padding":
        return this.#counted(chunk, () => undefined);
      case "ended":
        return chunk.length;
    }
  }

  #takeHeader(chunk: Uint8Array): number {
    if (this.#blockFill === 0 && chunk.length >= blockSize) {
      this.#header(chunk.subarray(0, blockSize), blockSize);
      return blockSize;
    }
    const taken = Math.min(blockSize - this.#blockFill, chunk.length);
    this.#block.set(chunk.subarray(0, taken), this.#blockFill);
    this.#blockFill += taken;
    if (this.#blockFill === blockSize) {
      this.#blockFill = 0;
      this.#header(this.#block, taken);
    }
    return taken;
  }

  /** @param consumed how many bytes of the current piece end this header */
  #header(block: Uint8Array, consumed: number): void {
    if (isZeroBlock(block)) {
      if (++this.#zeroBlocks === 2) this.#state = "ended";
      return;
    }
    if (this.#zeroBlocks > 0) throw new TarError("invalid tar header: a lone zero block inside the archive");
    const header = this.#started ? decodeHeader(block) : firstHeader(block);
    this.#started = true;
    if (Extensions.isMetadata(header.typeflag)) {
      if (header.size > metadataLimit) throw new TarError("invalid tar header: extended header too large");
      this.#metadata = { typeflag: header.typeflag, data: Buffer.alloc(header.size) };
      this.#begin("metadata", header.size);
      return;
    }
    const entry = this.#extensions.apply(header);
    this.#extensions = new Extensions();
    this.#handler.entry(entry, this.#offset + consumed);
    this.#begin("data", entry.size);
  }

  #begin(state: "data" | "metadata", size: number): void {
    this.#state = state;
    this.#left = size;
    this.#padding = paddingOf(size);
    if (size === 0) this.#next();
  }

  #counted(chunk: Uint8Array, use: (piece: Uint8Array) => void): number {
    const taken = Math.min(this.#left, chunk.length);
    use(taken === chunk.length ? chunk : chunk.subarray(0, taken));
    this.#left -= taken;
    if (this.#left === 0) this.#next();
    return taken;
  }

  /** What follows after the last byte of the current state. */
  #next(): void {
    if (this.#state === "data") this.#handler.end();
    if (this.#state === "metadata" && this.#metadata) {
      this.#extensions.add(this.#metadata.typeflag, this.#metadata.data);
      this.#metadata = undefined;
    }
    if (this.#state !== "padding" && this.#padding > 0) {
      this.#left = this.#padding;
      this.#state = "padding";
    } else {
      this.#state = "header";
    }
  }
}

/** What does not begin with a header is something else, not a damaged archive. */
function firstHeader(block: Uint8Array): HeaderBlock {
  try {
    return decodeHeader(block);
  } catch (error) {
    throw new TarError(`not a tar archive: ${messageOf(error).replace(/^archive\/tar: /, "")}`, { cause: error });
  }
}
