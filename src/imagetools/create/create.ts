import { TaskGroup } from "../../base/async/mod.ts";
import { asBuildError, BuildError } from "../../base/errors/mod.ts";
import {
  decodeImageDocument,
  type Descriptor,
  type Digest,
  formatReference,
  isIndexType,
  isSchema1Type,
  mediaTypes,
  type Platform,
  platformOfConfig,
  type Reference,
  repositoryName,
  withDefaultTag,
} from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import { fetchConfigOf } from "../inspect/image.ts";
import type { Annotation } from "./annotations.ts";
import { Copier } from "./copier.ts";
import { asAttestationOf, keepPlatforms, subjectOf } from "./filter-platforms.ts";
import { type FetchedSource, type Merged, mergeSources, withIndex } from "./merge.ts";
import { orderPlatforms } from "./order-platforms.ts";
import { lookPatiently } from "./just-pushed.ts";
import { formatSource, type Source } from "./source.ts";

/** How many sources are asked for at once. */
const parallel = 8;

/** What goes into an image, and how. */
export interface MergeOptions {
  /** Only types `index` and `manifest-descriptor` have a place. */
  readonly annotations?: readonly Annotation[];
  /** Keep only these; all when empty. */
  readonly platforms?: readonly Platform[];
  /** Manifests for these come first, in this order; without it they keep the order of the sources. */
  readonly order?: readonly Platform[];
  /** Whether a single manifest becomes an index too; `true` when left out. */
  readonly preferIndex?: boolean;
  /**
   * Whether whoever asks has just had the sources pushed; `false` when left out. Then they are looked for again when they are not found, and nothing is
   * looked for beside them; otherwise statements that registries keep beside images come into the index.
   */
  readonly justPushed?: boolean;
  readonly signal: AbortSignal;
}

/** How an image is pushed. */
interface PushOptions {
  readonly onEvent?: (event: PushEvent) => void;
  readonly companions?: boolean;
  readonly signal: AbortSignal;
}

/** Something that happens while an image is pushed to one repository. */
export type PushEvent =
  | { readonly type: "started"; readonly repository: string }
  | { readonly type: "copying"; readonly repository: string; readonly digest: string; readonly from: string }
  | { readonly type: "pushing"; readonly repository: string; readonly digest: string; readonly to: string }
  | { readonly type: "ended"; readonly repository: string; readonly error?: unknown };

/**
 * Decides what one image of all sources is: fetches their documents, merges and filters them. Nothing is written anywhere.
 * @throws {BuildError} with docker buildx's words
 */
export async function mergeImage(
  registry: Registry,
  sources: readonly Source[],
  options: MergeOptions,
): Promise<Merged> {
  await using group = new TaskGroup({ limit: parallel, signal: options.signal });
  const { annotations = [], platforms = [], order = [], preferIndex = true, justPushed = false, signal } = options;
  const fetch = (source: Source, task: { signal: AbortSignal }) => fetchSource(registry, source, task);
  const fetched = await group.all(
    sources.map(
      (source) => (task) => (justPushed ? lookPatiently(() => fetch(source, task), task) : fetch(source, task)),
    ),
  );
  const merged = keepPlatforms(mergeSources(fetched, { annotations, preferIndex }), platforms);
  return orderPlatforms(justPushed ? merged : await addAttestations(registry, merged, { signal }), order);
}

/**
 * Pushes a merged image: what it names first, then the image itself under each of `targets`, repositories side by side.
 * @param targets without a tag: `latest`; with a digest: that must be the image's
 * @param options.companions whether what says something about its parts without being one of them is copied as well; `true` when left out
 * @throws {BuildError} naming what could not be copied where
 */
export async function pushMerged(
  registry: Registry,
  merged: Merged,
  targets: readonly Reference[],
  options: PushOptions,
): Promise<void> {
  const groups = Object.entries(Object.groupBy(targets.map(withDefaultTag), repositoryName));
  await using repositories = new TaskGroup({ signal: options.signal });
  await repositories.all(
    groups.map(
      ([repository, tags = []]) =>
        ({ signal }) =>
          pushToRepository(registry, merged, repository, tags, { ...options, signal }),
    ),
  );
}

/**
 * Makes one index out of manifests and indexes that lie in any repositories, and pushes it under all of `targets`: children are
 * flattened into it and copied where they are missing, statements about them included.
 * @returns the descriptor of what was pushed
 */
export async function createMergedIndex(
  registry: Registry,
  sources: readonly Source[],
  targets: readonly Reference[],
  options: MergeOptions & { readonly onEvent?: (event: PushEvent) => void },
): Promise<Descriptor> {
  const merged = await mergeImage(registry, sources, options);
  await pushMerged(registry, merged, targets, options);
  return merged.descriptor;
}

async function fetchSource(
  registry: Registry,
  { reference, descriptor }: Source,
  options: { signal: AbortSignal },
): Promise<FetchedSource> {
  if (isSchema1Type(descriptor.mediaType)) {
    throw new BuildError("invalid_argument", "schema1 manifests are not allowed in manifest lists");
  }
  const bytes = await registry.fetchManifest(reference, descriptor, options);
  const document = decodeImageDocument(bytes, descriptor.mediaType);
  const { platform } = descriptor;
  if (document.type === "index" || (platform?.os && platform.architecture)) {
    return { reference, descriptor, bytes, document };
  }
  const told = platformOfConfig(await fetchConfigOf(registry, reference, document.manifest, options));
  const known = Object.fromEntries(Object.entries(platform ?? {}).filter(([, value]) => value !== ""));
  const full = { ...told, ...known };
  return {
    reference,
    bytes,
    document,
    descriptor: full.os === "" && full.architecture === "" ? descriptor : { ...descriptor, platform: full },
  };
}

/** Statements that the registry keeps beside an image, rather than in its index, come into the index. */
async function addAttestations(registry: Registry, merged: Merged, options: { signal: AbortSignal }): Promise<Merged> {
  const { index, children } = merged;
  if (!index) return merged;
  const described = new Set(children.map(({ descriptor }) => subjectOf(descriptor)));
  const images = children.filter(
    ({ descriptor }) =>
      subjectOf(descriptor) === undefined && !described.has(descriptor.digest) && !isIndexType(descriptor.mediaType),
  );
  await using group = new TaskGroup({ limit: parallel, signal: options.signal });
  const found = await group.all(
    images.map(({ reference, descriptor }) => async (task): Promise<readonly Source[]> => {
      const referrers = await registry.referrers(reference, descriptor.digest, task);
      const about = referrers.find(
        ({ artifactType, digest }) =>
          artifactType === mediaTypes.attestationManifest &&
          !children.some((child) => child.descriptor.digest === digest),
      );
      return about ? [{ reference, descriptor: asAttestationOf(descriptor.digest, about) }] : [];
    }),
  );
  const added = found.flat();
  if (added.length === 0) return merged;
  const all = [...children, ...added];
  return withIndex({ ...index, manifests: all.map(({ descriptor }) => descriptor) }, all, merged.descriptor);
}

async function pushToRepository(
  registry: Registry,
  merged: Merged,
  repository: string,
  targets: readonly Reference[],
  options: PushOptions,
): Promise<void> {
  const { onEvent } = options;
  onEvent?.({ type: "started", repository });
  try {
    const copier = new Copier(registry, targets[0] as Reference, { companions: options.companions ?? true });
    await copyChildren(copier, merged, repository, targets[0] as Reference, options);
    for (const target of targets) await publish(registry, copier, merged, repository, target, options);
  } catch (error) {
    onEvent?.({ type: "ended", repository, error });
    throw error;
  }
  onEvent?.({ type: "ended", repository });
}

async function copyChildren(
  copier: Copier,
  merged: Merged,
  repository: string,
  target: Reference,
  { onEvent, signal }: PushOptions,
): Promise<void> {
  const copyAll = async (children: readonly Source[]) => {
    await using group = new TaskGroup({ limit: parallel, signal });
    await group.all(
      children.map((child) => async (task) => {
        const { digest } = child.descriptor;
        const from = formatSource(child);
        onEvent?.({ type: "copying", repository, digest, from });
        await explained(`copy ${digest} from ${from} to ${formatReference(target)}`, () => copier.copy(child, task));
      }),
    );
  };
  const isAbout = ({ descriptor }: Source) => subjectOf(descriptor) !== undefined;
  // Some registries take a statement only after what it is about.
  await copyAll(merged.children.filter((child) => !isAbout(child)));
  await copyAll(merged.children.filter(isAbout));
}

async function publish(
  registry: Registry,
  copier: Copier,
  { bytes, descriptor, children }: Merged,
  repository: string,
  target: Reference,
  { onEvent, signal }: PushOptions,
): Promise<void> {
  const { digest, mediaType } = descriptor;
  const to = formatReference(target);
  onEvent?.({ type: "pushing", repository, digest, to });
  await explained(`publish ${digest} to ${to}`, async () => {
    if (target.digest !== undefined && target.digest !== digest) {
      throw new BuildError("invalid_argument", `the image's digest is not ${target.digest}`);
    }
    const pushAgain = async (lost: readonly Digest[], task: { signal: AbortSignal }) => {
      copier.forget(lost);
      const again = children.filter((child) => lost.includes(child.descriptor.digest));
      for (const child of again) await copier.copy(child, task);
    };
    await registry.pushManifest(target, { mediaType, bytes }, target.tag ?? digest, { signal, pushAgain });
  });
}

async function explained(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const error = asBuildError(cause);
    if (error.code === "canceled") throw cause;
    throw new BuildError(error.code, `${what}: ${error.message}`, { cause });
  }
}
