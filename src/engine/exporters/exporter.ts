import type { Descriptor, Digest, Platform } from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import type { SessionCaller } from "../../session/mod.ts";
import type { Attestations } from "../attestations/mod.ts";
import type { Compression, Ref } from "../refs/mod.ts";
import type { VertexProgress } from "../solver/mod.ts";

/** What a build made: one filesystem per platform, and what its frontend said of it. */
export interface ExportSource {
  /** In the order in which the platforms were asked for. Refs are held by the caller throughout the export. */
  readonly refs: readonly PlatformRef[];
  /** Whether the result is a map by platform (an index is exported) or one single tree. */
  readonly multiPlatform: boolean;
  /** For instance `containerimage.config/linux/arm64`. */
  readonly metadata: Readonly<Record<string, Uint8Array>>;
  readonly attestations: Attestations;
}

export interface PlatformRef {
  /** Platform as text; key of the result map and ending of metadata keys. */
  readonly id: string;
  readonly platform: Platform;
  readonly ref: Ref;
}

/** A small document of an image, whole in memory. */
export interface Document {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** What an exporter may use. */
export interface ExportContext {
  readonly signal: AbortSignal;
  readonly progress: VertexProgress;
  /** Position of this exporter in the request; the client finds the target of what is sent to it by this. */
  readonly index: number;
  /** Registries, with the credentials of the client whose build it is; with `insecure`, whatever their certificates. */
  registry(options: { readonly insecure: boolean }): Registry;
  /** Remembers that a repository (`host/path`) holds a layer blob now, so that a later push to its neighbour can mount it. */
  noteKnownIn(digest: Digest, repository: string): void;
  /** What the config of a platform's image has to say of the build's cache, base64; nothing where that is not wished for. */
  readonly inlineCache: (
    platform: PlatformRef,
    layers: { readonly compression: Compression; readonly force: boolean },
  ) => Promise<string | undefined>;
  /** Tells of each small document that an image consists of besides its layers: configs, manifests, the index. */
  noteDocument(document: Document): void;
  /** The client whose build it is. @throws {BuildError} when it has no session */
  session(): Promise<SessionCaller>;
}

/** What the client is told about the result, for instance `containerimage.digest`. */
export type ExporterResponse = Readonly<Record<string, string>>;

/** Turns a result into something outside of the engine. */
export interface Exporter {
  /** Name of its step, for instance `exporting to image`. */
  readonly title: string;
  export(source: ExportSource, context: ExportContext): Promise<ExporterResponse>;
}

/** Attributes of an exporter as the request has them. */
export type ExporterAttributes = Readonly<Record<string, string>>;
