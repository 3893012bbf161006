import {
  createIndex,
  createManifest,
  decodeImageConfig,
  describe,
  type Descriptor,
  type Digest,
  encodeIndex,
  encodeManifest,
  layerMediaType,
  type ImageConfig,
  type MediaTypeFamily,
  mediaTypes,
  normalizePlatform,
  parseLayerMediaType,
  toFamily,
} from "../../../oci/mod.ts";
import type { LayerBlob } from "../../refs/mod.ts";
import type { Document, ExportContext, ExportSource, PlatformRef } from "../exporter.ts";
import { step } from "../step.ts";
import { epochOf } from "../attributes.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { type AssembledAttestations, assembleAttestations, attestsInline } from "./attestations.ts";
import { annotationsFor, type ImageAttributes } from "./attributes.ts";
import { finishConfig } from "./config.ts";

/** One platform's image: everything below its manifest, and the manifest. */
export interface AssembledManifest {
  readonly layers: readonly LayerBlob[];
  /** Layer descriptors as the manifest names them, in the same order. */
  readonly layerDescriptors: readonly Descriptor[];
  readonly config: Document;
  readonly manifest: Document;
}

/** A whole image. `top` is what a name points to: the index, or the only manifest. */
export interface AssembledImage {
  readonly manifests: readonly AssembledManifest[];
  /** What is said of some of them. */
  readonly attestations: readonly AssembledAttestations[];
  readonly index: Document | undefined;
  readonly top: Document;
}

/** All small documents of an image, each after those that it names. */
export function documentsOf({ manifests, attestations, index }: AssembledImage): readonly Document[] {
  return [
    ...manifests.map(({ config }) => config),
    ...attestations.flatMap(({ statements, config }) => [...statements, config]),
    ...[...manifests, ...attestations].map(({ manifest }) => manifest),
    ...(index ? [index] : []),
  ];
}

/** Makes layer blobs, configs, manifests and, for several platforms or for what is said of one, the index. Layers of all platforms are worked on at once. */
export async function assembleImage(
  source: ExportSource,
  attributes: ImageAttributes,
  context: ExportContext,
): Promise<AssembledImage> {
  const { progress, signal } = context;
  const { compression, forceCompression: force, annotations } = attributes;
  const hasIndex = source.multiPlatform || attestsInline(source, attributes);
  if (!hasIndex && annotations.some(({ kind }) => kind.startsWith("index"))) {
    throw new BuildError("invalid_argument", "index annotations not supported for single platform export");
  }
  const blobs = await step(progress, "exporting layers", () =>
    Promise.all(
      source.refs.map(async (platformRef) => {
        const clamp = clampOf(platformRef, source, attributes);
        return await platformRef.ref.blobs({ signal, compression, force, ...(clamp && { clamp }) });
      }),
    ),
  );
  if (hasIndex && attributes.family === "docker" && source.attestations.size > 0) {
    throw new BuildError("invalid_argument", 'cannot export attestations with "oci-mediatypes=false"');
  }
  const manifests: AssembledManifest[] = [];
  const attestations: AssembledAttestations[] = [];
  for (const [at, platformRef] of source.refs.entries()) {
    const assembled = await assembleManifest(platformRef, blobs[at] ?? [], source, attributes, context);
    manifests.push(assembled);
    if (!hasIndex) continue;
    const { manifest, layers } = assembled;
    const image = { platformRef, manifest: manifest.descriptor, layers };
    const said = await assembleAttestations(image, source, attributes, context);
    if (said) attestations.push(said);
  }
  const image = { manifests, attestations };
  for (const { statements, config, manifest } of attestations) {
    for (const document of [...statements, config, manifest]) context.noteDocument(document);
  }
  const [only] = manifests;
  if (!hasIndex && only) return { ...image, index: undefined, top: only.manifest };
  const index = encodeIndex(
    createIndex({
      family: attributes.family,
      manifests: [
        ...manifests.map(({ manifest, config }, at) => {
          const id = source.refs[at]?.id ?? "";
          const { architecture, os, variant, ...rest } = decodeImageConfig(config.bytes);
          const annotations = annotationsFor(attributes, "manifest-descriptor", id);
          return {
            ...manifest.descriptor,
            platform: {
              architecture,
              os,
              ...(variant ? { variant } : {}),
              ...(rest["os.version"] ? { osVersion: rest["os.version"] } : {}),
              ...(rest["os.features"] ? { osFeatures: rest["os.features"] } : {}),
            },
            ...(annotations ? { annotations } : {}),
          };
        }),
        ...attestations.map(({ descriptor }) => descriptor),
      ],
      ...optionalAnnotations(annotationsFor(attributes, "index", undefined)),
    }),
  );
  const descriptor = describe(attributes.family === "oci" ? mediaTypes.ociIndex : mediaTypes.dockerIndex, index);
  const document = await step(progress, `exporting manifest list ${descriptor.digest}`, () => ({
    descriptor,
    bytes: index,
  }));
  context.noteDocument(document);
  return { ...image, index: document, top: document };
}

/** What of the layers is to be rewritten, where that is wished for and there is a time. */
function clampOf(
  { id }: PlatformRef,
  source: ExportSource,
  { epoch: given, rewriteTimestamp }: ImageAttributes,
): { readonly epochSec: number; readonly base: readonly Digest[] } | undefined {
  const epoch = rewriteTimestamp ? epochOf(given, source, id) : undefined;
  if (!epoch) return undefined;
  return { epochSec: Math.floor(epoch.getTime() / 1000), base: baseOf(source, id)?.rootfs.diff_ids ?? [] };
}

/** The config of the image that the result stands on. */
function baseOf(source: ExportSource, id: string): ImageConfig | undefined {
  const bytes = metadataOf(source, "containerimage.base.config", id);
  return bytes && decodeImageConfig(bytes);
}

async function assembleManifest(
  platformRef: PlatformRef,
  layers: readonly LayerBlob[],
  source: ExportSource,
  attributes: ImageAttributes,
  context: ExportContext,
): Promise<AssembledManifest> {
  const { family, compression, forceCompression: force } = attributes;
  const inlineCache = await context.inlineCache(platformRef, { compression, force });
  const configBytes = finishConfig(metadataOf(source, "containerimage.config", platformRef.id), {
    platform: normalizePlatform(platformRef.platform),
    layers,
    epoch: epochOf(attributes.epoch, source, platformRef.id),
    baseHistory: baseOf(source, platformRef.id)?.history?.length ?? 0,
    inlineCache,
  });
  const config = { descriptor: describe(configType(family), configBytes), bytes: configBytes };
  const layerDescriptors = layers.map(({ descriptor }) => layerDescriptor(descriptor, attributes));
  const bytes = encodeManifest(
    createManifest({
      family,
      config: config.descriptor,
      layers: layerDescriptors,
      ...optionalAnnotations(annotationsFor(attributes, "manifest", platformRef.id)),
    }),
  );
  const descriptor = describe(family === "oci" ? mediaTypes.ociManifest : mediaTypes.dockerManifest, bytes);
  const manifest = await step(context.progress, `exporting manifest ${descriptor.digest}`, () => ({
    descriptor,
    bytes,
  }));
  await step(context.progress, `exporting config ${config.descriptor.digest}`, () => undefined);
  context.noteDocument(manifest);
  context.noteDocument(config);
  return { layers, layerDescriptors, config, manifest };
}

/** How a manifest names a layer. What its owner wants to keep for himself is distributed like others, unless the request would rather not. */
function layerDescriptor(
  { mediaType, digest, size, urls = [] }: Descriptor,
  { family, preferForeign }: ImageAttributes,
): Descriptor {
  const type = parseLayerMediaType(mediaType);
  if (!type?.foreign) return { mediaType: toFamily(mediaType, family), digest, size };
  const stays = preferForeign && urls.length > 0;
  return {
    mediaType: layerMediaType({ ...type, family, foreign: preferForeign }),
    digest,
    size,
    ...(stays && { urls }),
  };
}

/** A metadata value of one platform, or the one that stands for a single result. */
function metadataOf(source: ExportSource, key: string, id: string): Uint8Array | undefined {
  return source.metadata[`${key}/${id}`] ?? (source.refs.length === 1 ? source.metadata[key] : undefined);
}

function configType(family: MediaTypeFamily): string {
  return family === "oci" ? mediaTypes.ociConfig : mediaTypes.dockerConfig;
}

function optionalAnnotations(annotations: Readonly<Record<string, string>> | undefined) {
  return annotations ? { annotations } : {};
}
