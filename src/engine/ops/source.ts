import type { pb } from "../../api/mod.ts";
import type { Digest, Platform } from "../../oci/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { OpContext } from "../solver/mod.ts";
import type { OpEnvironment } from "./environment.ts";

/** A kind of place that file trees come from: images, the client's directories. One per scheme of `SourceOp.identifier`. */
export interface Source<C extends OpEnvironment = OpEnvironment> {
  /** Before `://`, for instance `docker-image`. */
  readonly scheme: string;
  /** What it gives stays where it is, and is fetched late; see {@link Op.elsewhere}. */
  readonly elsewhere?: boolean;
  /**
   * Reads one request; no input or output yet.
   * @param op its identifier has this source's scheme
   * @param options `platform` as the vertex says it, normalized; the engine's default where the definition names none
   * @throws {BuildError} `invalid_argument` when the identifier or an attribute makes no sense
   */
  open(op: pb.SourceOp, options: { readonly platform: Platform }): SourceInstance<C>;
}

/** One request to one source. Stateless, as an {@link Op} is: may be asked several times, by several jobs. */
export interface SourceInstance<C extends OpEnvironment = OpEnvironment> {
  /**
   * What the tree is recognised by without making it, for instance an image's manifest digest and platform. May ask the network.
   * `volatile`: the key means nothing outside this job (a directory of one client).
   */
  cacheMap(context: OpContext<C>): Promise<SourceKey>;
  /** Makes the tree, lazily where the store can. The ref is the caller's. */
  run(context: OpContext<C>): Promise<Ref>;
  /**
   * When what is there was last changed, in whole seconds since the epoch, as far as the source itself knows; `undefined`: it does not. Without this
   * method: no source of this kind knows.
   */
  time?(context: OpContext<C>): Promise<number | undefined>;
  /** What is there now, as far as that can be told by those who ask before they use it. Without this method: nothing can be told. */
  facts?(context: OpContext<C>, asked: AskedFacts): Promise<SourceFacts>;
}

/** What somebody wants to know of a source besides what it always tells. */
export interface AskedFacts {
  /** The objects themselves that a ref of a repository stands for. */
  readonly objects?: boolean;
  /** A checksum of a file, followed by `suffix`. */
  readonly checksum?: { readonly algorithm: "sha256" | "sha384" | "sha512"; readonly suffix: Uint8Array };
}

/** See {@link SourceInstance.facts}. */
export type SourceFacts =
  | {
      readonly type: "git";
      /** What the ref stands for itself: a commit, or an annotated tag. */
      readonly object: string;
      readonly commit: string;
      /** Full name of the branch or tag; empty where a commit was asked for. */
      readonly ref: string;
      /** As they are kept, without their headers. Where they were asked for. */
      readonly objects?: { readonly commit: Uint8Array; readonly tag: Uint8Array | undefined };
    }
  | {
      readonly type: "http";
      readonly digest: Digest;
      readonly filename: string;
      /** In whole seconds since the epoch; `undefined`: the server did not say. */
      readonly lastModifiedSec: number | undefined;
      /** `<algorithm>:<hex>`. Where it was asked for. */
      readonly checksum?: string;
    };

/** See {@link SourceInstance.cacheMap}. */
export interface SourceKey {
  /** Text that decides the result; becomes part of the op's digest. */
  readonly key: string;
  readonly volatile?: boolean;
  /** What it is, for those who ask later what a build was made of; what was only learnt when the tree was made is told by then. */
  readonly material: () => SourceMaterial;
}

/** Something from outside that a build was made of. */
export type SourceMaterial =
  | {
      readonly type: "image";
      /** Name as it was asked for. */
      readonly ref: string;
      readonly platform: Platform;
      /** Of the manifest or index that the name stood for. */
      readonly digest: Digest;
      /** From a layout of the client, not from a registry. */
      readonly isLocal: boolean;
    }
  | { readonly type: "blob"; readonly ref: string; readonly digest: Digest; readonly isLocal: boolean }
  | {
      readonly type: "git";
      /** As it was written. */
      readonly remote: string;
      /** Branch, tag or commit; empty: the remote's own default. */
      readonly ref: string;
      /** Object that the ref stood for. */
      readonly object: string;
      /** Locator of the bundle that was fetched from in place of the remote. */
      readonly bundle: string | undefined;
      /** Ids of secrets that may have let it in. */
      readonly secrets: readonly string[];
      /** Id of the ssh agent that may have. */
      readonly agent: string | undefined;
    }
  /** `digest`: undefined where it was not looked at. */
  | { readonly type: "http"; readonly url: string; readonly digest: Digest | undefined }
  | { readonly type: "local"; readonly name: string };
