import type { Descriptor, Digest } from "../oci/mod.ts";

/** Which part of a blob to read, in bytes. */
export interface ReadOptions {
  /** Where to begin; 0 when left out. */
  readonly offset?: number;
  /** How much at most; to the end when left out. */
  readonly length?: number;
  readonly signal?: AbortSignal;
  /**
   * Chunks are lent: each is valid only until the next one is asked for, so that a large blob needs no more memory than a small one. For readers that
   * have done with a chunk by then.
   */
  readonly lend?: boolean;
}

/** Blobs that can be read by digest. */
export interface BlobReader {
  /** Size in bytes; `undefined` when the blob is not here. */
  info(digest: Digest): Promise<{ readonly size: number } | undefined>;
  /**
   * Bytes as stored; each chunk belongs to the reader, unless `lend` says otherwise. The digest was checked when they came in, not again here.
   * @throws {BuildError} `not_found`, from the first step of the iteration
   */
  read(digest: Digest, options?: ReadOptions): AsyncIterable<Uint8Array>;
}

/**
 * Blobs on this machine, each there complete and verified or not at all. Several processes may use one store at the same time.
 *
 * A blob comes in through {@link ingest}: write, then `commit` or `abort`. Nothing else ever changes a blob.
 */
export interface ContentStore extends BlobReader {
  has(digest: Digest): Promise<boolean>;
  /** Where the blob is, or would be, as a file. Never write to it. */
  path(digest: Digest): string;
  /**
   * Begins to take in one blob.
   * @param options.expected what the bytes must turn out to be; without it their digest is learnt at commit
   */
  ingest(options?: { expected?: Pick<Descriptor, "digest" | "size">; signal?: AbortSignal }): Promise<Ingest>;
  /**
   * Takes a file that was written and hashed elsewhere (a worker thread, see {@link Ingest.path}) as the blob `digest`; the file is
   * gone afterwards. It must be on the same file system. Only its size is checked here.
   */
  adopt(file: string, digest: Digest, size: number): Promise<void>;
  /** Takes in all of `bytes`. Cheap when the blob is here already. */
  put(
    bytes: AsyncIterable<Uint8Array> | Uint8Array,
    expected?: Pick<Descriptor, "digest" | "size">,
    options?: { signal?: AbortSignal },
  ): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** Every blob here, in no order. */
  list(): AsyncIterable<{ readonly digest: Digest; readonly size: number }>;
  /**
   * Forgets a blob, at once: it is not here any more when this returns; settles when its bytes are deleted. Open readers still get all of it.
   * Nothing happens when it is not here.
   */
  remove(digest: Digest): Promise<void>;
}

/**
 * One blob that is coming in. Either {@link write} its chunks, or hand {@link path} to another thread that writes and hashes the file
 * itself. Must end with {@link commit} or {@link abort}; disposing aborts what was not committed.
 */
export interface Ingest extends AsyncDisposable {
  /** The file that collects the bytes. */
  readonly path: string;
  /** Bytes that came through {@link write}. */
  readonly size: number;
  /** Appends; await each call before the next one. The chunk is the store's from then on: do not use its memory again. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Makes the blob visible.
   * @param claimed for a file that another thread wrote: its digest (trusted) and size (checked)
   * @throws {ContentMismatchError} when the bytes are not what was expected; then nothing is stored
   */
  commit(claimed?: {
    readonly digest: Digest;
    readonly size: number;
  }): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** Drops everything. Does nothing after a commit. */
  abort(): Promise<void>;
}
