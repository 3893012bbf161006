import { isAbort } from "../../base/errors/mod.ts";
import { type Descriptor, type Reference } from "../../oci/mod.ts";
import { type FormChange, ManifestRefusedError, type Registry } from "../../registry/mod.ts";
import { type PushEvent, pushMerged } from "./create.ts";
import { inDockerFormat } from "./docker-format.ts";
import { subjectOf } from "./filter-platforms.ts";
import { type FetchedSource, type Merged, mergeSources, withIndex } from "./merge.ts";

/** What {@link pushCompatibly} may do. */
export interface CompatibleOptions {
  /** Nobody has said which formats it is to have, nor annotated it: registries that do not know OCI's may get Docker's. */
  readonly mayChangeFormat: boolean;
  /** It gets no tag, wherever the names point. */
  readonly byDigest?: boolean;
  readonly onEvent?: (event: PushEvent) => void;
  readonly signal: AbortSignal;
}

/** An image that was pushed. */
export interface PushedCompatibly {
  readonly descriptor: Descriptor;
  /** Why and how it is not quite what was to be pushed. */
  readonly changed?: { readonly refused: ManifestRefusedError; readonly change: FormChange };
}

/**
 * Pushes a merged image as {@link pushMerged} does. When a registry refuses one of its documents for what kind of document it is, the image is pushed
 * once more, everywhere alike, in a form that registries have known for longer: without attestations, then in Docker's formats. A target that has a
 * digest leaves no choice.
 * @throws {BuildError} what the registry said at first, when no form helps
 */
export async function pushCompatibly(
  registry: Registry,
  merged: Merged,
  targets: readonly Reference[],
  options: CompatibleOptions,
): Promise<PushedCompatibly> {
  const { byDigest = false, signal } = options;
  const events = new HeldEvents(options.onEvent);
  const push = async (image: Merged, { companions }: { companions: boolean }) => {
    const { digest } = image.descriptor;
    const names = byDigest ? targets.map(({ registry, repository }) => ({ registry, repository, digest })) : targets;
    await pushMerged(registry, image, names, { companions, onEvent: (event) => events.take(event), signal });
    events.release();
  };
  try {
    await push(merged, { companions: true });
    return { descriptor: merged.descriptor };
  } catch (error) {
    const refused = refusalIn(error);
    if (refused && (byDigest || targets.every(({ digest }) => digest === undefined))) {
      for await (const { image, change } of otherForms(registry, merged, options)) {
        try {
          events.forget();
          await push(image, { companions: false });
          return { descriptor: image.descriptor, changed: { refused, change } };
        } catch (again) {
          if (isAbort(again) || signal.aborted) throw again;
        }
      }
    }
    events.release();
    throw error;
  }
}

async function* otherForms(
  registry: Registry,
  merged: Merged,
  { mayChangeFormat, signal }: CompatibleOptions,
): AsyncGenerator<{ readonly image: Merged; readonly change: FormChange }> {
  const bare = withoutAttestations(merged);
  const attestations = bare !== undefined;
  if (bare) yield { image: bare, change: { format: false, attestations, annotations: false } };
  if (!mayChangeFormat) return;
  const { index, children } = bare ?? merged;
  const docker = await inDockerFormat(registry, children, { signal });
  if (!docker) return;
  const sources = docker.manifests.map((source): FetchedSource => {
    const { bytes, manifest } = source.made;
    return { ...source, bytes, document: { type: "manifest", manifest } };
  });
  const image = mergeSources(sources, { annotations: [], preferIndex: index !== undefined });
  const annotations = docker.lostAnnotations || index?.annotations !== undefined;
  yield { image, change: { format: true, attestations, annotations } };
}

/** The image alone; `undefined` when it says nothing of itself, or is nothing else. */
function withoutAttestations({ index, children, descriptor }: Merged): Merged | undefined {
  const images = children.filter((child) => subjectOf(child.descriptor) === undefined);
  if (!index || images.length === 0 || images.length === children.length) return undefined;
  return withIndex({ ...index, manifests: images.map((child) => child.descriptor) }, images, descriptor);
}

/** The registry's "I do not know such documents" behind an error. */
function refusalIn(error: unknown): ManifestRefusedError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof ManifestRefusedError) return at;
  return undefined;
}

/** Keeps back how pushing to a repository ended until it is known whether that was the end of it. */
class HeldEvents {
  readonly #pass: (event: PushEvent) => void;
  readonly #started = new Set<string>();
  #held: PushEvent[] = [];

  constructor(pass: ((event: PushEvent) => void) | undefined) {
    this.#pass = pass ?? (() => undefined);
  }

  take(event: PushEvent): void {
    if (event.type === "ended" && event.error !== undefined) {
      this.#held.push(event);
      return;
    }
    if (event.type === "started") {
      if (this.#started.has(event.repository)) return;
      this.#started.add(event.repository);
    }
    this.#pass(event);
  }

  release(): void {
    for (const event of this.#held) this.#pass(event);
    this.forget();
  }

  forget(): void {
    this.#held = [];
  }
}
