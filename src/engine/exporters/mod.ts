/** What a result becomes outside of the engine, one folder per kind. {@link openExporter} checks a request's attributes before anything is built. */
import { BuildError } from "../../base/errors/mod.ts";
import type { Exporter, ExporterAttributes } from "./exporter.ts";
import { imageExporter } from "./image/exporter.ts";
import { localExporter } from "./local/exporter.ts";
import { archiveExporter } from "./oci/exporter.ts";
import { tarExporter } from "./tar/exporter.ts";

export { booleanAttribute, compressionAttributes } from "./attributes.ts";
export { step } from "./step.ts";
export type { Document, ExportContext, Exporter, ExporterResponse, ExportSource, PlatformRef } from "./exporter.ts";

/**
 * The exporter of that type, ready to export.
 * @throws {BuildError} `exporter "<type>" could not be found`, and for attributes that make no sense
 */
export function openExporter(type: string, attributes: ExporterAttributes): Exporter {
  switch (type) {
    case "image":
      return imageExporter(attributes);
    case "oci":
    case "docker":
      return archiveExporter(type, attributes);
    case "tar":
      return tarExporter(attributes);
    case "local":
      return localExporter(attributes);
    default:
      throw new BuildError("not_found", `exporter "${type}" could not be found`);
  }
}
