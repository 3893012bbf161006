import {
  createManifest,
  describe,
  type Descriptor,
  encodeManifest,
  formatReference,
  mediaTypes,
} from "../../../oci/mod.ts";
import {
  byAlgorithm,
  encodeStatement,
  imagePackageUrl,
  readAttestations,
  type Statement,
  statementOf,
  withoutInlineOnly,
} from "../../attestations/mod.ts";
import type { LayerBlob } from "../../refs/mod.ts";
import type { Document, ExportContext, ExportSource, PlatformRef } from "../exporter.ts";
import { step } from "../step.ts";
import type { ImageAttributes } from "./attributes.ts";
import { givenNames } from "./names.ts";
import { withFileLayers } from "./sbom-layers.ts";

/** What is said of one platform's image: a manifest of its own, each of whose layers is a statement. */
export interface AssembledAttestations {
  readonly statements: readonly Document[];
  readonly config: Document;
  readonly manifest: Document;
  /** The manifest as the index lists it. */
  readonly descriptor: Descriptor;
}

/** One platform's image, about which something is said. */
export interface AttestedImage {
  readonly platformRef: PlatformRef;
  readonly manifest: Descriptor;
  /** Base first. */
  readonly layers: readonly LayerBlob[];
}

/** Whether what is said of a single image gives it an index. Of several platforms everything goes into the index that is there anyway. */
export function attestsInline(
  { refs, attestations }: ExportSource,
  { inlineAttestations: all }: Pick<ImageAttributes, "inlineAttestations">,
): boolean {
  return refs.some(({ id }) => {
    const said = attestations.get(id) ?? [];
    return (all ? said : withoutInlineOnly(said)).length > 0;
  });
}

/**
 * Makes the attestation manifest of one platform's image; nothing where nothing is said of it.
 * @see https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
 */
export async function assembleAttestations(
  { platformRef, manifest: image, layers }: AttestedImage,
  source: ExportSource,
  attributes: ImageAttributes,
  context: ExportContext,
): Promise<AssembledAttestations | undefined> {
  const said = source.attestations.get(platformRef.id) ?? [];
  if (said.length === 0) return undefined;
  const digest = byAlgorithm([image.digest]);
  const self = givenNames(attributes.names, source).map((name) => ({
    name: imagePackageUrl("docker", formatReference(name), platformRef.platform),
    digest,
  }));
  const statements: Document[] = [];
  const layerDescriptors: Descriptor[] = [];
  for (const read of await readAttestations(said, context)) {
    const complete = await withFileLayers(read, platformRef.ref, layers, context);
    const statement = statementOf(complete, self);
    const document = statementDocument(statement);
    statements.push(document);
    layerDescriptors.push({
      ...document.descriptor,
      annotations: { "in-toto.io/predicate-type": statement.predicateType },
    });
  }
  const config = attributes.ociArtifact ? emptyConfig() : imageConfig(layerDescriptors);
  const { mediaType, digest: subjectDigest, size } = image;
  const manifest = manifestDocument(
    encodeManifest(
      createManifest({
        family: "oci",
        config: config.descriptor,
        layers: layerDescriptors,
        ...(attributes.ociArtifact && {
          artifactType: mediaTypes.attestationManifest,
          subject: { mediaType, digest: subjectDigest, size },
        }),
      }),
    ),
  );
  await step(context.progress, `exporting attestation manifest ${manifest.descriptor.digest}`, () => undefined);
  return {
    statements,
    config,
    manifest,
    descriptor: {
      ...manifest.descriptor,
      platform: { architecture: "unknown", os: "unknown" },
      annotations: {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image.digest,
      },
    },
  };
}

function statementDocument(statement: Statement): Document {
  const bytes = encodeStatement(statement);
  return { descriptor: describe(mediaTypes.inToto, bytes), bytes };
}

function manifestDocument(bytes: Uint8Array): Document {
  return { descriptor: describe(mediaTypes.ociManifest, bytes), bytes };
}

/** The config of what is no image. @see https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidance-for-an-empty-descriptor */
function emptyConfig(): Document {
  const bytes = new TextEncoder().encode("{}");
  return { descriptor: { ...describe(mediaTypes.ociEmpty, bytes), data: "e30=" }, bytes };
}

/** The config that it has where it passes for an image of no platform. */
function imageConfig(layers: readonly Descriptor[]): Document {
  const unknown = { architecture: "unknown", os: "unknown", config: {} };
  const rootfs = { type: "layers", diff_ids: layers.map(({ digest }) => digest) };
  const bytes = new TextEncoder().encode(JSON.stringify({ ...unknown, rootfs }));
  return { descriptor: describe(mediaTypes.ociConfig, bytes), bytes };
}
