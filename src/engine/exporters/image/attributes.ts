import { BuildError } from "../../../base/errors/mod.ts";
import { formatPlatform, type MediaTypeFamily, parsePlatform } from "../../../oci/mod.ts";
import type { Compression } from "../../refs/mod.ts";
import { booleanAttribute, compressionAttributes, epochAttribute } from "../attributes.ts";
import type { ExporterAttributes, ExportSource } from "../exporter.ts";
import { type ImageNames, parseImageNames } from "./names.ts";

/** Where an annotation goes. */
export type AnnotationKind = "manifest" | "manifest-descriptor" | "index" | "index-descriptor";

interface Annotation {
  readonly kind: AnnotationKind;
  /** Only on this platform; everywhere when absent. */
  readonly platform: string | undefined;
  readonly key: string;
  readonly value: string;
}

/** Attributes that all exporters of images have in common, checked. */
export interface ImageAttributes {
  readonly names: ImageNames;
  readonly family: MediaTypeFamily;
  /** Nobody has said which family it is to be: a registry that does not know OCI's may get Docker's. */
  readonly mayChangeFamily: boolean;
  readonly compression: Compression;
  readonly forceCompression: boolean;
  /** The request's own; else the frontend may give one. */
  readonly epoch: Date | undefined;
  /** Whether times in layers, too, do not lie behind the epoch. */
  readonly rewriteTimestamp: boolean;
  readonly annotations: readonly Annotation[];
  /** Layers that their base's owner does not want to be distributed stay where their urls say, rather than being pushed. */
  readonly preferForeign: boolean;
  /** What is said of an image is an artifact about it, rather than an image of its own as before artifacts were invented. */
  readonly ociArtifact: boolean;
  /** Whether what is meant for the inside of images alone makes an index where there would be none. */
  readonly inlineAttestations: boolean;
  /** The client is told of no config: it takes the manifest or index for the image's identity. */
  readonly hidesConfig: boolean;
}

/** Checks the attributes of an image exporter. @throws {BuildError} `invalid_argument`, `unimplemented` */
export function parseImageAttributes(
  attributes: ExporterAttributes,
  options: { byDigest?: boolean; inlineAttestations?: boolean } = {},
): ImageAttributes {
  const oci = booleanAttribute(attributes, "oci-mediatypes", true);
  const { compression, force } = compressionAttributes(attributes);
  const annotations = parseAnnotations(attributes);
  if (!oci) refuseOciOnly(attributes, annotations);
  return {
    names: parseImageNames(attributes, options),
    family: oci ? "oci" : "docker",
    // Docker's documents have no place for annotations, and no name for zstd that everybody knows.
    mayChangeFamily:
      attributes["oci-mediatypes"] === undefined && compression.type !== "zstd" && annotations.length === 0,
    compression,
    forceCompression: force,
    epoch: epochAttribute(attributes),
    rewriteTimestamp: parseRewrite(attributes),
    annotations,
    preferForeign: booleanAttribute(attributes, "prefer-nondist-layers", false),
    ociArtifact: booleanAttribute(attributes, "oci-artifact", oci),
    inlineAttestations: booleanAttribute(attributes, "attestation-inline", options.inlineAttestations ?? false),
    hidesConfig: booleanAttribute(attributes, "prefer-image-digest", false),
  };
}

/** Docker's documents have no place for annotations, but for a manifest's own, and know nothing of artifacts. */
function refuseOciOnly(attributes: ExporterAttributes, annotations: readonly Annotation[]): void {
  if (booleanAttribute(attributes, "oci-artifact", false)) {
    throw new BuildError(
      "invalid_argument",
      'exporter option "oci-artifact=true" conflicts with "oci-mediatypes=false"',
    );
  }
  if (annotations.some(({ kind }) => kind !== "manifest")) throw annotationsNeedOci();
}

function annotationsNeedOci(): BuildError {
  return new BuildError("invalid_argument", 'cannot export annotations with "oci-mediatypes=false"');
}

function parseRewrite(attributes: ExporterAttributes): boolean {
  const rewrite = booleanAttribute(attributes, "rewrite-timestamp", false);
  if (rewrite && booleanAttribute(attributes, "unpack", false)) {
    throw new BuildError("invalid_argument", 'exporter option "rewrite-timestamp" conflicts with "unpack"');
  }
  return rewrite;
}

function parseAnnotations(attributes: ExporterAttributes): readonly Annotation[] {
  const annotations: Annotation[] = [];
  for (const [attribute, value] of Object.entries(attributes)) {
    const [, kind = "manifest", platform, key] =
      /^annotation(?:-([a-z-]+))?(?:\[([A-Za-z0-9_/-]+)\])?\.(\S+)$/.exec(attribute) ?? [];
    if (key === undefined) continue;
    if (kind !== "manifest" && kind !== "manifest-descriptor" && kind !== "index" && kind !== "index-descriptor") {
      throw new BuildError("invalid_argument", `unrecognized annotation type ${kind}`);
    }
    annotations.push({ kind, platform: platform && formatPlatform(parsePlatform(platform)), key, value });
  }
  return annotations;
}

/**
 * The same attributes with the annotations that the frontend wants on its result, which win.
 * @throws {BuildError} `invalid_argument` for annotations that have no place in this result
 */
export function withResultsAnnotations(attributes: ImageAttributes, source: ExportSource): ImageAttributes {
  const decoder = new TextDecoder();
  const said = Object.fromEntries(Object.entries(source.metadata).map(([key, value]) => [key, decoder.decode(value)]));
  const annotations = [...attributes.annotations, ...parseAnnotations(said)];
  for (const { platform } of annotations) {
    if (platform === undefined || source.refs.length === 1 || source.refs.some(({ id }) => id === platform)) continue;
    throw new BuildError("invalid_argument", `invalid annotation: no platform ${platform} found in source`);
  }
  if (attributes.family === "docker" && annotations.some(({ kind }) => kind !== "manifest")) throw annotationsNeedOci();
  return { ...attributes, annotations, mayChangeFamily: attributes.mayChangeFamily && annotations.length === 0 };
}

/**
 * The annotations of one place, those of one platform winning over general ones; `undefined` when there are none. There is one index, whatever
 * platform one of its annotations names.
 */
export function annotationsFor(
  attributes: ImageAttributes,
  kind: AnnotationKind,
  platformId: string | undefined,
): Readonly<Record<string, string>> | undefined {
  const wanted = attributes.annotations.filter((annotation) => annotation.kind === kind);
  const ofIndex = kind === "index" || kind === "index-descriptor";
  const general = wanted.filter((annotation) => ofIndex || annotation.platform === undefined);
  const specific = wanted.filter(
    (annotation) => !ofIndex && annotation.platform !== undefined && annotation.platform === platformId,
  );
  const entries = [...general, ...specific].map(({ key, value }) => [key, value] as const);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
