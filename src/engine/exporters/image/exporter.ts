import { BuildError } from "../../../base/errors/mod.ts";
import { type Descriptor, descriptorToJson, formatReference } from "../../../oci/mod.ts";
import { booleanAttribute } from "../attributes.ts";
import type { ExportContext, Exporter, ExporterAttributes, ExporterResponse, ExportSource } from "../exporter.ts";
import { withSaid } from "../said.ts";
import { step } from "../step.ts";
import { assembleImage, type AssembledImage } from "./assemble.ts";
import { type ImageAttributes, parseImageAttributes, withResultsAnnotations } from "./attributes.ts";
import { canBeNamed, namesOf, writtenNames } from "./names.ts";
import { pushCompatibly } from "./push-compatibly.ts";
import { topDescriptor } from "./top-descriptor.ts";

/** What would be done with a store of images. The engine keeps none, as BuildKit without containerd does: then they say nothing, but must make sense. */
const ofStores = ["store", "unpack", "name-canonical", "unsafe-internal-store-allow-incomplete"];

/** `type=image`: makes the image and, with `push=true`, pushes it under each of its names. The engine keeps no store of images. */
export function imageExporter(attributes: ExporterAttributes): Exporter {
  const byDigest = booleanAttribute(attributes, "push-by-digest", false);
  const push = booleanAttribute(attributes, "push", false);
  const insecure = booleanAttribute(attributes, "registry.insecure", false);
  for (const key of ofStores) booleanAttribute(attributes, key, false);
  const given = parseImageAttributes(attributes, { byDigest, inlineAttestations: true });
  if (push && !canBeNamed(given.names)) throw needsTag();
  return {
    title: "exporting to image",
    export: async (result, context) => {
      const source = withSaid(result, attributes);
      const image = withResultsAnnotations(given, source);
      const assembled = await assembleImage(source, image, context);
      if (push) {
        const registry = context.registry({ insecure });
        const pushed = await pushCompatibly(assembled, source, image, { context, registry });
        if (pushed.names.length === 0) throw needsTag();
        const { digest } = pushed.image.top.descriptor;
        const top = topDescriptor(pushed.image, image, source);
        return imageResponse(pushed.image, writtenNames(image.names, source, digest), top, image);
      }
      const { digest } = assembled.top.descriptor;
      const names = namesOf(image.names, source, digest);
      for (const name of names) await step(context.progress, `naming to ${formatReference(name)}`, () => undefined);
      return imageResponse(
        assembled,
        writtenNames(image.names, source, digest),
        topDescriptor(assembled, image, source),
        image,
      );
    },
  } satisfies { title: string; export(source: ExportSource, context: ExportContext): Promise<ExporterResponse> };
}

/**
 * What the client learns about an image.
 * @param names separated by commas
 * @param descriptor of the whole
 */
export function imageResponse(
  image: AssembledImage,
  names: string,
  descriptor: Descriptor,
  attributes: ImageAttributes,
): ExporterResponse {
  const only = image.index || attributes.hidesConfig ? undefined : image.manifests[0];
  return {
    "containerimage.digest": descriptor.digest,
    "containerimage.descriptor": Buffer.from(JSON.stringify(descriptorToJson(descriptor))).toString("base64"),
    ...(only ? { "containerimage.config.digest": only.config.descriptor.digest } : {}),
    ...(names === "" ? {} : { "image.name": names }),
  };
}

function needsTag(): BuildError {
  return new BuildError("invalid_argument", "tag is needed when pushing to registry");
}
