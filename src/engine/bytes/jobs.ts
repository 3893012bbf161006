import type { TreeFilter } from "../../filesync/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import type { Sealing } from "../snapshots/mod.ts";

/** How to compress, level decided. */
export type Codec =
  | { readonly type: "uncompressed" }
  | { readonly type: "gzip"; readonly level: number }
  | { readonly type: "zstd"; readonly level: number };

/** A blob that a worker wrote. */
export interface WrittenBlob {
  readonly digest: Digest;
  readonly size: number;
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
}

/** A file that was hashed; `undefined` in a list where there was no regular file. */
export interface FileDigest {
  readonly digest: Digest;
  readonly size: number;
}

/** A table of contents as bytes, for `decodeToc`. */
export type EncodedToc = Uint8Array<ArrayBuffer>;

/** Tells a walk from a later one of the same directory that would find anything else. */
export interface WalkStamp {
  /** Of every path with everything that the system changes along with it. */
  readonly fingerprint: string;
  /** When the walk began, in nanoseconds since the epoch. */
  readonly takenAtNs: bigint;
}

/** Everything that worker threads can be asked to do, by name. Paths are absolute; output files are made or overwritten, and left behind half-made on failure. */
export interface Jobs {
  /** Hashes files of one directory. */
  hash: {
    input: { readonly root: string; readonly paths: readonly string[] };
    output: readonly (FileDigest | undefined)[];
  };
  /** Walks and hashes a directory, or hashes only its files with several names. Entries carry their content (offsets 0). */
  scan: {
    input: {
      readonly root: string;
      readonly kind: "tree" | "upper";
      /** An index that an earlier scan of the same directory gave. */
      readonly previousIndex?: Uint8Array;
      readonly withIndex?: boolean;
      readonly hash?: "all" | "linked";
    };
    output: { readonly toc: EncodedToc; readonly index?: Uint8Array<ArrayBuffer> };
  };
  /**
   * Walks and hashes what a filter leaves of a client's directory. Owners become root, as clients send their files.
   * `known` names an earlier walk whose table the caller still has: then nothing but that nothing changed need be said.
   */
  walk: {
    input: {
      readonly root: string;
      readonly filter: TreeFilter;
      /** Holds the digests of the last walk, if there was one, and gets those of this one. Its directory exists. */
      readonly indexFile: string;
      readonly known?: WalkStamp;
    };
    output:
      | { readonly unchanged: true }
      | {
          readonly unchanged: false;
          readonly toc: EncodedToc;
          readonly hashedBytes: number;
          readonly stamp: WalkStamp;
        };
  };
  /** Reads a layer blob (or another archive) and makes its table, and at the same time whatever else is wanted. */
  read: {
    input: {
      readonly file: string;
      readonly offsetBytes?: number;
      readonly size?: number;
      /** An existing empty directory to unpack into. It becomes a lower directory by `seal`. */
      readonly directory?: string;
      /** Where to put the uncompressed tar. */
      readonly tarFile?: string;
      /** An archive in which whiteouts mean nothing. */
      readonly plainNames?: boolean;
    };
    output: { readonly toc: EncodedToc; readonly diffId: Digest; readonly size: number };
  };
  /** Finishes a directory that `read` unpacked. */
  seal: { input: { readonly directory: string; readonly toc: Uint8Array } & Omit<Sealing, "toc">; output: undefined };
  /** Packs a table with contents (encoded `full`). */
  pack: {
    input: {
      readonly toc: Uint8Array;
      readonly codec: Codec;
      readonly file: string;
      /** Whether files may have changed since they were hashed, so that each is hashed again on its way. */
      readonly verify: boolean;
    };
    output: WrittenBlob & {
      /** With `verify`: the entries as packed, with offsets in the tar, and the paths of those whose digest is another. */
      readonly verified?: { readonly toc: EncodedToc; readonly changed: readonly string[] };
    };
  };
  /** Compresses a blob in another way. */
  recompress: {
    input: {
      readonly from: string;
      readonly codec: Codec;
      readonly file: string;
      /** Where it is known beyond doubt, so that it is not made again. */
      readonly diffId?: Digest;
    };
    output: WrittenBlob;
  };
  /** Lays a table with contents (encoded `full`) out as a lower directory; `directory` exists and is empty. */
  write: { input: { readonly toc: Uint8Array; readonly directory: string }; output: undefined };
  /** Deletes a tree. */
  remove: { input: { readonly path: string }; output: undefined };
  /** Adds up what trees take on disk, in bytes, in the order of `paths`. What is not there takes nothing. */
  measure: { input: { readonly paths: readonly string[] }; output: readonly number[] };
}

/** Names of {@link Jobs}. */
export type JobName = keyof Jobs;

/** What a running job hears and says. */
export interface JobContext {
  /** @throws when the job was cancelled */
  check(): void;
  /** Tells how many bytes of input are done. Cheap; told on at most every 100 ms. */
  progress(bytes: number): void;
}
