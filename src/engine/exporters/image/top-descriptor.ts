import type { Descriptor } from "../../../oci/mod.ts";
import { epochOf } from "../attributes.ts";
import type { ExportSource } from "../exporter.ts";
import type { AssembledImage } from "./assemble.ts";
import { annotationsFor, type ImageAttributes } from "./attributes.ts";

/**
 * What stands for the whole image in a layout's `index.json`, and what the client is told: with the annotations of that place, and with the time of
 * the build where that was laid down. (BuildKit writes the time of day otherwise; then the same image would not give the same bytes.)
 */
export function topDescriptor(image: AssembledImage, attributes: ImageAttributes, source: ExportSource): Descriptor {
  const given = annotationsFor(attributes, "index-descriptor", undefined);
  const epoch = epochOf(attributes.epoch, source, source.refs[0]?.id ?? "");
  const created = epoch && epoch.toISOString().replace(/\.000Z$/, "Z");
  const annotations = { ...(created && { "org.opencontainers.image.created": created }), ...given };
  const { descriptor } = image.top;
  return Object.keys(annotations).length === 0 ? descriptor : { ...descriptor, annotations };
}
