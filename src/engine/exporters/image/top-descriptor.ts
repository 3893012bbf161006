import { type Descriptor, normalizePlatform } from "../../../oci/mod.ts";
import { epochOf } from "../attributes.ts";
import type { ExportSource } from "../exporter.ts";
import type { AssembledImage } from "./assemble.ts";
import { annotationsFor, type ImageAttributes } from "./attributes.ts";

/** What stands for the whole image, as the client is told: with the annotations of that place, and the platform of an image that is for one. */
export function topDescriptor(image: AssembledImage, attributes: ImageAttributes, source: ExportSource): Descriptor {
  const [first] = source.refs;
  const annotations = image.index
    ? annotationsFor(attributes, "index-descriptor", undefined)
    : annotationsFor(attributes, "manifest-descriptor", first?.id);
  return {
    ...image.top.descriptor,
    ...(annotations && { annotations }),
    ...(first && !image.index && { platform: normalizePlatform(first.platform) }),
  };
}

/**
 * The same for a layout's `index.json`, with the time of the build where that was laid down. (BuildKit writes the time of day otherwise; then the same
 * image would not give the same bytes.)
 */
export function archivedDescriptor(
  image: AssembledImage,
  attributes: ImageAttributes,
  source: ExportSource,
): Descriptor {
  const epoch = epochOf(attributes.epoch, source, source.refs[0]?.id ?? "");
  const created = epoch && epoch.toISOString().replace(/\.000Z$/, "Z");
  const top = topDescriptor(image, attributes, source);
  return created ? { ...top, annotations: { "org.opencontainers.image.created": created, ...top.annotations } } : top;
}
