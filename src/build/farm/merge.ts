import { BuildError, messageOf } from "../../base/errors/mod.ts";
import type { Annotation, SourceText } from "../../imagetools/mod.ts";
import {
  decodeDescriptor,
  type Descriptor,
  formatReference,
  parseDigest,
  type Platform,
  type Reference,
  withDigest,
} from "../../oci/mod.ts";
import type { BuildEvent, ClientStep } from "../events.ts";
import type { BuildResult } from "../result.ts";
import type { NamedNode } from "./node-lost.ts";

/** An image that nodes push in parts. */
export interface PushedImage {
  /** All its names. */
  readonly targets: readonly Reference[];
  readonly annotations: readonly Annotation[];
  /** It gets no tag, wherever the names point. */
  readonly byDigest: boolean;
  /** Its registries may speak plain HTTP, or have any certificate. */
  readonly insecure: boolean;
  /** Nobody has said in which family's formats it is to be: registries that do not know OCI's may get Docker's. */
  readonly mayChangeFormat: boolean;
}

/** What one image is made of: manifests and indexes in a repository. */
export interface MergeRequest extends PushedImage {
  readonly sources: readonly { readonly source: SourceText; readonly reference: Reference }[];
  /** The order of the image's manifests. */
  readonly order: readonly Platform[];
  readonly signal: AbortSignal;
}

/** An image that was pushed; `warning` when it is not quite what was to be pushed. */
export interface MergedImage {
  readonly descriptor: Descriptor;
  readonly warning?: ClientStep["warning"];
}

/** Makes and pushes an image of {@link MergeRequest.sources}, with this client's logins. */
export type MergeImages = (request: MergeRequest) => Promise<MergedImage>;

/** What {@link mergePushed} works with. */
export interface MergeSurroundings {
  readonly merge: MergeImages;
  readonly onEvent: (event: BuildEvent) => void;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/** A share that is done. */
export interface DoneShare {
  readonly node: NamedNode;
  readonly result: BuildResult;
}

/**
 * Makes one image of what the nodes have pushed by digest, as a step of its own.
 * @returns the image's descriptor
 * @throws {BuildError} what a registry says
 */
export async function mergePushed(
  pushed: PushedImage,
  shares: readonly DoneShare[],
  options: MergeSurroundings & { readonly order: readonly Platform[] },
): Promise<Descriptor> {
  const { merge, onEvent, now, signal, order } = options;
  const [home] = pushed.targets;
  if (!home) throw new Error("Internal error: an image without a name is to be pushed");
  const sources = shares.map(({ node, result }) => sourceOf(node, result, home));
  const name = `merging manifest list ${pushed.targets.map(formatReference).join(", ")}`;
  const step = { id: name, name, started: now() };
  onEvent({ type: "step", step });
  try {
    const { descriptor, warning } = await merge({ ...pushed, sources, order, signal });
    onEvent({ type: "step", step: { ...step, completed: now(), ...(warning ? { warning } : {}) } });
    return descriptor;
  } catch (error) {
    onEvent({ type: "step", step: { ...step, completed: now(), error: messageOf(error) } });
    throw error;
  }
}

function sourceOf(node: NamedNode, { response }: BuildResult, { registry, repository }: Reference) {
  const encoded = response["containerimage.descriptor"];
  const text = response["containerimage.digest"];
  if (encoded === undefined && text === undefined) {
    throw new BuildError(
      "internal",
      `node ${JSON.stringify(node.name)} (${node.endpoint}) does not say what it has pushed`,
    );
  }
  const wanted =
    encoded === undefined ? undefined : decodeDescriptor(JSON.parse(Buffer.from(encoded, "base64").toString()));
  const digest = wanted?.digest ?? parseDigest(text ?? "");
  const source: SourceText = wanted
    ? { type: "descriptor", text: digest, wanted: { digest, size: wanted.size, mediaType: wanted.mediaType } }
    : { type: "digest", text: digest, digest };
  return { source, reference: withDigest({ registry, repository }, digest) };
}
