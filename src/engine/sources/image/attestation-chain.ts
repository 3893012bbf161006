import { BuildError } from "../../../base/errors/mod.ts";
import {
  decodeImageDocument,
  type Descriptor,
  type Digest,
  formatPlatform,
  mediaTypes,
  type Platform,
  platformMatcher,
} from "../../../oci/mod.ts";

/** What is said of an image and who has signed that, as far as its index leads there. */
export interface AttestationChain {
  /** The index. */
  readonly root: Digest;
  readonly image: Digest;
  /** The manifest of what is said of the image. */
  readonly attestation: Digest | undefined;
  /** Manifests of signatures of that. */
  readonly signatures: readonly Digest[];
  /** The index, the manifests of statements and signatures, the signatures, and the statements that were asked for. */
  readonly blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
}

/** Where the parts of a chain come from. */
export interface ChainDocuments {
  manifest(descriptor: Descriptor): Promise<Uint8Array>;
  blob(descriptor: Descriptor): Promise<Uint8Array>;
  referrers(digest: Digest): Promise<readonly Descriptor[]>;
}

/** In the order in which they are preferred. */
const signatureTypes = [
  "application/vnd.dev.sigstore.bundle.v0.3+json",
  "application/vnd.dev.cosign.artifact.sig.v1+json",
];

/**
 * Follows an index to what is said of its image for `platform`.
 * @param predicateTypes of the statements that are wanted as well
 * @returns `undefined` for what is no OCI index
 * @throws {BuildError} `not_found`: it has no image for the platform
 */
export async function attestationChain(
  top: Descriptor,
  documents: ChainDocuments,
  { platform, predicateTypes }: { readonly platform: Platform; readonly predicateTypes: readonly string[] },
): Promise<AttestationChain | undefined> {
  const topBytes = await documents.manifest(top);
  const document = decodeImageDocument(topBytes, top.mediaType === "" ? undefined : top.mediaType);
  const mediaType = top.mediaType || mediaTypeIn(topBytes) || mediaTypes.ociIndex;
  if (document.type !== "index" || mediaType !== mediaTypes.ociIndex) return undefined;
  const { manifests } = document.index;
  const images = manifests.filter(({ annotations }) => annotations?.["vnd.docker.reference.type"] === undefined);
  const image = platformMatcher(platform).choose(images);
  if (!image) throw new BuildError("not_found", `no manifest for platform ${formatPlatform(platform)}: not found`);
  const blobs: { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[] = [
    { descriptor: { ...top, mediaType, size: topBytes.byteLength }, bytes: topBytes },
  ];
  const attestation = manifests.find(
    ({ annotations }) =>
      annotations?.["vnd.docker.reference.type"] === "attestation-manifest" &&
      annotations["vnd.docker.reference.digest"] === image.digest,
  );
  const chain = { root: top.digest, image: image.digest, attestation: attestation?.digest };
  if (!attestation) return { ...chain, signatures: [], blobs };
  const add = async (descriptor: Descriptor, kind: "manifest" | "blob") => {
    const known = blobs.find(({ descriptor: { digest } }) => digest === descriptor.digest);
    if (known) return known.bytes;
    const bytes = await documents[kind](descriptor);
    blobs.push({ descriptor, bytes });
    return bytes;
  };
  const statements = layersOf(await add(attestation, "manifest"), attestation);
  const signature = preferred(await documents.referrers(attestation.digest));
  if (signature) {
    for (const layer of layersOf(await add(signature, "manifest"), signature)) await add(layer, "blob");
  }
  const wanted = new Set(predicateTypes.filter((type) => type !== ""));
  for (const layer of statements) {
    if (wanted.has(layer.annotations?.["in-toto.io/predicate-type"] ?? "")) await add(layer, "blob");
  }
  return { ...chain, signatures: signature ? [signature.digest] : [], blobs };
}

function preferred(referrers: readonly Descriptor[]): Descriptor | undefined {
  for (const type of signatureTypes) {
    const found = referrers.find(({ artifactType }) => artifactType === type);
    if (found) return found;
  }
  return undefined;
}

function layersOf(bytes: Uint8Array, { mediaType }: Descriptor): readonly Descriptor[] {
  const document = decodeImageDocument(bytes, mediaType);
  return document.type === "manifest" ? document.manifest.layers : [];
}

/** What a document says itself that it is. */
function mediaTypeIn(bytes: Uint8Array): string {
  const { mediaType } = JSON.parse(Buffer.from(bytes).toString()) as { readonly mediaType?: unknown };
  return typeof mediaType === "string" ? mediaType : "";
}
