import { isAbort } from "../../../base/errors/mod.ts";
import { formChangeWarning, ManifestRefusedError } from "../../../registry/mod.ts";
import type { ExportContext, ExportSource } from "../exporter.ts";
import { type AssembledImage, assembleImage } from "./assemble.ts";
import type { ImageAttributes } from "./attributes.ts";
import { pushImage } from "./push.ts";

/**
 * Pushes an image under all of its names. A registry that does not know OCI's formats gets the same image in Docker's, with a warning: then all names
 * do, so that the digest is the same everywhere.
 * @returns the image as it was pushed
 * @throws {BuildError} what the registry says, also when the request leaves no choice of format
 */
export async function pushCompatibly(
  image: AssembledImage,
  source: ExportSource,
  attributes: ImageAttributes,
  options: { readonly byDigest: boolean; readonly context: ExportContext },
): Promise<AssembledImage> {
  const { context } = options;
  try {
    for (const name of attributes.names) await pushImage(image, name, options);
    return image;
  } catch (error) {
    const refused = error instanceof Error && error.cause instanceof ManifestRefusedError ? error.cause : undefined;
    if (!refused || attributes.family !== "oci" || !attributes.mayChangeFamily) throw error;
    const other: ImageAttributes = { ...attributes, family: "docker" };
    const compatible = await assembleImage(source, other, context);
    try {
      for (const name of other.names) await pushImage(compatible, name, options);
    } catch (again) {
      // It was not the format: what the registry said first tells more.
      throw isAbort(again) || context.signal.aborted ? again : error;
    }
    const { short, detail } = formChangeWarning(refused, { format: true, attestations: false, annotations: false });
    context.progress.warn({ short, detail: [...detail] });
    return compatible;
  }
}
