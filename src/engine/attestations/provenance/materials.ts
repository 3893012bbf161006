import type { Digest, Platform } from "../../../oci/mod.ts";

/** An image that a build used or asked about. */
export interface ImageMaterial {
  /** Name as it was asked for. */
  readonly ref: string;
  /** `undefined`: whichever there is. */
  readonly platform: Platform | undefined;
  /** Of the manifest or index that the name stood for. */
  readonly digest: Digest | undefined;
  /** From a layout of the client, not from a registry. */
  readonly isLocal: boolean;
}

/** One blob of a registry or of a layout, used as a file. */
export interface BlobMaterial {
  /** With its digest. */
  readonly ref: string;
  readonly digest: Digest;
  readonly isLocal: boolean;
}

/** A repository at a commit. */
export interface GitMaterial {
  /** Address, with `#REF` behind it where one was asked for. No login. */
  readonly url: string;
  /** Object that the ref stood for: a commit, or an annotated tag. */
  readonly object: string;
  /** Locator of the bundle that it was taken from in place of the address; `undefined`: none was. */
  readonly bundle: string | undefined;
}

/** A file behind an address. */
export interface HttpMaterial {
  /** No login. */
  readonly url: string;
  /** `undefined`: it was never seen. */
  readonly digest: Digest | undefined;
}

/** Everything that went into a build from outside. */
export interface Materials {
  readonly images: readonly ImageMaterial[];
  readonly blobs: readonly BlobMaterial[];
  readonly git: readonly GitMaterial[];
  readonly http: readonly HttpMaterial[];
  /** Names of the client's directories. Nobody can tell what was in them. */
  readonly locals: readonly string[];
}
