import { isAbort } from "../../../base/errors/mod.ts";
import { type FormChange, formChangeWarning, ManifestRefusedError, type Registry } from "../../../registry/mod.ts";
import type { Reference } from "../../../oci/mod.ts";
import type { ExportContext, ExportSource } from "../exporter.ts";
import { type AssembledImage, assembleImage } from "./assemble.ts";
import type { ImageAttributes } from "./attributes.ts";
import { namesOf } from "./names.ts";
import { pushImage } from "./push.ts";

/**
 * Pushes an image under all of its names. A registry that does not take what is said of it gets the image alone, and one that does not know OCI's
 * formats gets it in Docker's, with a warning: then all names do, so that the digest is the same everywhere.
 * @returns the image as it was pushed, and its names
 * @throws {BuildError} what the registry says, also when the request leaves no choice of format
 */
export async function pushCompatibly(
  image: AssembledImage,
  source: ExportSource,
  attributes: ImageAttributes,
  options: { readonly context: ExportContext; readonly registry: Registry },
): Promise<{ readonly image: AssembledImage; readonly names: readonly Reference[] }> {
  const { context } = options;
  const pushAll = async (image: AssembledImage) => {
    const names = namesOf(attributes.names, source, image.top.descriptor.digest);
    const { byDigest } = attributes.names;
    for (const name of names)
      await pushImage(image, name, { ...options, byDigest: byDigest || name.digest !== undefined });
    return { image, names };
  };
  try {
    return await pushAll(image);
  } catch (error) {
    const refused = error instanceof Error && error.cause instanceof ManifestRefusedError ? error.cause : undefined;
    if (!refused) throw error;
    for (const { other, change } of otherForms(image, source, attributes)) {
      const compatible = await assembleImage(other.source, other.attributes, context);
      try {
        const pushed = await pushAll(compatible);
        const { short, detail } = formChangeWarning(refused, change);
        context.progress.warn({ short, detail: [...detail] });
        return pushed;
      } catch (again) {
        if (isAbort(again) || context.signal.aborted) throw again;
      }
    }
    throw error; // it was not the form: what the registry said first tells more
  }
}

/** What the image may be instead: each form gives up more than the one before it. */
function* otherForms(
  image: AssembledImage,
  source: ExportSource,
  attributes: ImageAttributes,
): Generator<{
  readonly other: { readonly source: ExportSource; readonly attributes: ImageAttributes };
  readonly change: FormChange;
}> {
  const attestations = image.attestations.length > 0;
  const bare: ExportSource = attestations ? { ...source, attestations: new Map() } : source;
  const kept = annotationsAreKept(bare, attributes);
  if (attestations && kept) {
    yield { other: { source: bare, attributes }, change: { format: false, attestations, annotations: false } };
  }
  if (attributes.family !== "oci" || !attributes.mayChangeFamily) return;
  const other = { source: bare, attributes: { ...attributes, family: "docker" as const } };
  yield { other, change: { format: true, attestations, annotations: false } };
}

/** Whether there is still an index to be annotated, if one is. */
function annotationsAreKept({ multiPlatform }: ExportSource, { annotations }: ImageAttributes): boolean {
  return multiPlatform || !annotations.some(({ kind }) => kind.startsWith("index"));
}
