import { BuildError } from "../../../base/errors/mod.ts";
import { formatReference } from "../../../oci/mod.ts";
import { booleanAttribute } from "../attributes.ts";
import type { ExportContext, Exporter, ExporterAttributes, ExporterResponse, ExportSource } from "../exporter.ts";
import { step } from "../step.ts";
import { assembleImage, type AssembledImage } from "./assemble.ts";
import { type ImageAttributes, parseImageAttributes } from "./attributes.ts";
import { pushCompatibly } from "./push-compatibly.ts";

/** `type=image`: makes the image and, with `push=true`, pushes it under each of its names. The engine keeps no store of images. */
export function imageExporter(attributes: ExporterAttributes): Exporter {
  const byDigest = booleanAttribute(attributes, "push-by-digest", false);
  const push = booleanAttribute(attributes, "push", false);
  const image = parseImageAttributes(attributes, { byDigest });
  if (booleanAttribute(attributes, "registry.insecure", false)) {
    throw new BuildError(
      "unimplemented",
      `exporter option "registry.insecure" is not supported yet: registries on localhost are spoken to by plain HTTP anyway`,
    );
  }
  if (push && image.names.length === 0)
    throw new BuildError("invalid_argument", "tag is needed when pushing to registry");
  return {
    title: "exporting to image",
    export: async (source, context) => {
      const assembled = await assembleImage(source, image, context);
      if (push) return imageResponse(await pushCompatibly(assembled, source, image, { byDigest, context }), image);
      for (const name of image.names) {
        await step(context.progress, `naming to ${formatReference(name)}`, () => undefined);
      }
      return imageResponse(assembled, image);
    },
  } satisfies { title: string; export(source: ExportSource, context: ExportContext): Promise<ExporterResponse> };
}

/** What the client learns about an image. */
export function imageResponse(image: AssembledImage, attributes: ImageAttributes): ExporterResponse {
  const { descriptor } = image.top;
  const only = image.index ? undefined : image.manifests[0];
  return {
    "containerimage.digest": descriptor.digest,
    "containerimage.descriptor": Buffer.from(JSON.stringify(descriptor)).toString("base64"),
    ...(only ? { "containerimage.config.digest": only.config.descriptor.digest } : {}),
    ...(attributes.names.length > 0 ? { "image.name": attributes.names.map(formatReference).join(",") } : {}),
  };
}
