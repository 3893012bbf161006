import { BuildError, messageOf } from "../../base/errors/mod.ts";
import {
  decodeDescriptor,
  type Descriptor,
  type Digest,
  formatReference,
  type Manifest,
  parseDigest,
  parseReference,
  type Reference,
  repositoryName,
  withDefaultTag,
  withDigest,
} from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";

/** A manifest or index, and a name under which its repository has it. */
export interface Source {
  readonly reference: Reference;
  /** Its platform and annotations go into the index. */
  readonly descriptor: Descriptor;
  /** A manifest that was made here, of what `reference`'s repository has: no repository has it yet. */
  readonly made?: { readonly bytes: Uint8Array; readonly manifest: Manifest };
}

/** What somebody wrote as a source: a reference, or a digest or descriptor that has still to be found in some repository. */
export type SourceText =
  | { readonly type: "reference"; readonly text: string; readonly reference: Reference }
  | { readonly type: "digest"; readonly text: string; readonly digest: Digest }
  | { readonly type: "descriptor"; readonly text: string; readonly wanted: WantedDescriptor };

/** A descriptor as people write it: only the digest must be there. */
type WantedDescriptor = Partial<Descriptor> & Pick<Descriptor, "digest">;

/**
 * Parses a source as `imagetools create` takes it: a reference, a digest, or a descriptor as JSON.
 * @throws {BuildError} with docker buildx's words
 */
export function parseSource(text: string): SourceText {
  const trimmed = text.trim();
  try {
    if (trimmed.startsWith("{")) return { type: "descriptor", text: trimmed, wanted: parseWanted(trimmed) };
    if (/^sha(?:256|384|512):/.test(trimmed)) return { type: "digest", text: trimmed, digest: parseDigest(trimmed) };
    return { type: "reference", text: trimmed, reference: parseReference(trimmed) };
  } catch (cause) {
    throw new BuildError(
      "invalid_argument",
      `failed to parse source ${JSON.stringify(text)}, valid sources are digests, references and descriptors: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function parseWanted(text: string): WantedDescriptor {
  const json = JSON.parse(text) as Record<string, unknown>;
  if (json.schemaVersion !== undefined && json.schemaVersion !== 0) {
    throw new Error(
      `expected an OCI content descriptor, got a manifest or index (schemaVersion ${JSON.stringify(json.schemaVersion)})`,
    );
  }
  if (typeof json.digest !== "string" || json.digest === "") throw new Error("invalid descriptor: digest is required");
  const { mediaType, size, ...rest } = decodeDescriptor({ mediaType: "", size: 0, ...json });
  return { ...rest, ...(mediaType === "" ? {} : { mediaType }), ...(size === 0 ? {} : { size }) };
}

/**
 * Says for every source which repository to look in: digests and descriptors are looked for where everything else is.
 * @throws {BuildError} when there is no repository to look in, or more than one
 */
export function placeSources(
  sources: readonly SourceText[],
  targets: readonly Reference[],
): readonly { readonly source: SourceText; readonly reference: Reference }[] {
  const named = sources.flatMap((source) => (source.type === "reference" ? [source.reference] : []));
  const repositories = new Set([...targets, ...named].map(repositoryName));
  if (repositories.size === 0) {
    throw invalid("no repositories specified, please set a reference in tag or source");
  }
  const home = repositories.size === 1 ? (named[0] ?? targets[0]) : undefined;
  return sources.map((source) => {
    if (source.type === "reference") return { source, reference: withDefaultTag(source.reference) };
    if (!home) {
      throw invalid(`multiple repositories specified, cannot infer repository for ${JSON.stringify(source.text)}`);
    }
    const { registry, repository } = home;
    const digest = source.type === "digest" ? source.digest : source.wanted.digest;
    return { source, reference: withDigest({ registry, repository }, digest) };
  });
}

/** Asks the registry what a source is. What a descriptor says of platform, annotations and media type counts more. */
export async function resolveSource(
  registry: Registry,
  { source, reference }: { readonly source: SourceText; readonly reference: Reference },
  options: { signal: AbortSignal },
): Promise<Source> {
  const found = await registry.resolve(reference, options);
  if (source.type !== "descriptor") return { reference, descriptor: found };
  const { wanted } = source;
  if (wanted.size !== undefined && wanted.size !== found.size) {
    throw invalid(`invalid size mismatch for ${found.digest}, ${wanted.size} != ${found.size}`);
  }
  return {
    reference,
    descriptor: {
      ...found,
      ...(wanted.mediaType === undefined ? {} : { mediaType: wanted.mediaType }),
      ...(wanted.annotations === undefined ? {} : { annotations: wanted.annotations }),
      ...(wanted.platform === undefined ? {} : { platform: wanted.platform }),
    },
  };
}

/** A source of which all is known, so that no registry need be asked; `undefined` when something is missing. */
export function knownSource({
  source,
  reference,
}: {
  readonly source: SourceText;
  readonly reference: Reference;
}): Source | undefined {
  if (source.type !== "descriptor") return undefined;
  const { mediaType, size, ...rest } = source.wanted;
  return mediaType === undefined || size === undefined
    ? undefined
    : { reference, descriptor: { ...rest, mediaType, size } };
}

/** The source's name for people. */
export function formatSource({ reference }: Source): string {
  return formatReference(reference);
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
