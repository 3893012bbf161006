import { isAbort } from "../../../base/errors/mod.ts";
import { formChangeWarning, ManifestRefusedError, type Registry } from "../../../registry/mod.ts";
import type { Reference } from "../../../oci/mod.ts";
import type { ExportContext, ExportSource } from "../exporter.ts";
import { type AssembledImage, assembleImage } from "./assemble.ts";
import type { ImageAttributes } from "./attributes.ts";
import { namesOf } from "./names.ts";
import { pushImage } from "./push.ts";

/**
 * Pushes an image under all of its names. A registry that does not know OCI's formats gets the same image in Docker's, with a warning: then all names
 * do, so that the digest is the same everywhere.
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
    if (!refused || attributes.family !== "oci" || !attributes.mayChangeFamily) throw error;
    const other: ImageAttributes = { ...attributes, family: "docker" };
    const compatible = await assembleImage(source, other, context);
    const pushed = await pushAll(compatible).catch((again: unknown) => {
      // It was not the format: what the registry said first tells more.
      throw isAbort(again) || context.signal.aborted ? again : error;
    });
    const { short, detail } = formChangeWarning(refused, { format: true, attestations: false, annotations: false });
    context.progress.warn({ short, detail: [...detail] });
    return pushed;
  }
}
