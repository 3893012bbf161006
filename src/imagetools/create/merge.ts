import { BuildError } from "../../base/errors/mod.ts";
import {
  annotate,
  createIndex,
  type Descriptor,
  type Digest,
  digestOf,
  encodeIndex,
  type ImageDocument,
  type ImageIndex,
  platformsEqual,
} from "../../oci/mod.ts";
import type { Annotation } from "./annotations.ts";
import type { Source } from "./source.ts";

/** A source whose document was fetched. A manifest's descriptor has a platform now, where its config tells one. */
export interface FetchedSource extends Source {
  readonly bytes: Uint8Array;
  readonly document: ImageDocument;
}

/** The document to push, and what has to be in its repository before. */
export interface Merged {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  /** Absent for a single manifest, which is copied as it is. */
  readonly index?: ImageIndex;
  /** What the index names, and where to copy it from; without an index, the manifest itself. */
  readonly children: readonly Source[];
}

/**
 * Makes one index of all sources: an index's children take its place, what comes twice is merged. A single index stays byte for byte as
 * it is, and so does a single manifest where no index is preferred.
 * @throws {BuildError} about annotations that an index cannot take
 */
export function mergeSources(
  sources: readonly FetchedSource[],
  options: { readonly annotations: readonly Annotation[]; readonly preferIndex: boolean },
): Merged {
  const [only] = sources;
  if (sources.length === 1 && only && options.annotations.length === 0) {
    const { bytes, descriptor, document } = only;
    if (document.type === "index") return { bytes, descriptor, index: document.index, children: childrenOf(only) };
    if (!options.preferIndex) return { bytes, descriptor, children: [only] };
  }
  const children = mergeChildren(sources.flatMap(childrenOf));
  const family = children.every(({ descriptor }) => descriptor.mediaType.startsWith("application/vnd.docker."))
    ? "docker"
    : "oci";
  // Docker's manifest lists have no place for annotations; docker buildx leaves them out there, without a word.
  const annotations = family === "oci" ? options.annotations : [];
  const forIndex = annotations.filter(({ target }) => target === "index");
  for (const annotation of annotations) refuseUnsupported(annotation);
  const annotated = children.map(({ descriptor, ...child }) => ({
    ...child,
    descriptor: annotate(descriptor, asRecord(annotations.filter((annotation) => isFor(annotation, descriptor)))),
  }));
  const index = createIndex({
    family,
    manifests: annotated.map(({ descriptor }) => descriptor),
    ...(forIndex.length > 0 ? { annotations: asRecord(forIndex) } : {}),
  });
  return withIndex(index, annotated);
}

/** The merged image with another index in place of its own. */
export function withIndex(index: ImageIndex, children: readonly Source[], old?: Descriptor): Merged {
  const bytes = encodeIndex(index);
  return { bytes, index, children, descriptor: describeIndex(index, bytes, old) };
}

function childrenOf(source: FetchedSource): readonly Source[] {
  const { reference, descriptor, made } = source;
  if (source.document.type === "manifest") return [{ reference, descriptor, ...(made ? { made } : {}) }];
  return source.document.index.manifests.map((descriptor) => ({ reference, descriptor }));
}

/** Each digest once, where it first stood; what later ones say of platform and annotations counts more. */
function mergeChildren(children: readonly Source[]): readonly Source[] {
  const merged = new Map<Digest, Source>();
  for (const { descriptor, ...child } of children) {
    const old = merged.get(descriptor.digest)?.descriptor;
    const { platform, annotations = {} } = descriptor;
    merged.set(descriptor.digest, {
      ...child,
      descriptor: old ? annotate({ ...old, ...(platform ? { platform } : {}) }, annotations) : descriptor,
    });
  }
  return [...merged.values()];
}

function refuseUnsupported({ target }: Annotation): void {
  if (target === undefined || target === "manifest") {
    throw new BuildError("unimplemented", `"${target ?? ""}" annotations are not supported yet`);
  }
  if (target === "index-descriptor") {
    throw new BuildError("invalid_argument", `"${target}" annotations are invalid while creating an image`);
  }
}

function isFor({ target, platform }: Annotation, descriptor: Descriptor): boolean {
  if (target !== "manifest-descriptor") return false;
  return platform === undefined || (descriptor.platform !== undefined && platformsEqual(platform, descriptor.platform));
}

function asRecord(annotations: readonly Annotation[]): Readonly<Record<string, string>> {
  return Object.fromEntries(annotations.map(({ key, value }) => [key, value]));
}

function describeIndex(index: ImageIndex, bytes: Uint8Array, old: Descriptor | undefined): Descriptor {
  return {
    mediaType: index.mediaType,
    digest: digestOf(bytes),
    size: bytes.byteLength,
    ...(old?.annotations ? { annotations: old.annotations } : {}),
  };
}
