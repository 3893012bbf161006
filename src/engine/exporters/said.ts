import type { ExporterAttributes, ExportSource } from "./exporter.ts";

/**
 * The result with what a request says of it, which wins over what its frontend says: attributes of an exporter and what is known of a result have one set
 * of names (`containerimage.config`, `image.name`). So a graph that no frontend has made can be given a config.
 */
export function withSaid(source: ExportSource, attributes: ExporterAttributes): ExportSource {
  const encoder = new TextEncoder();
  const said = Object.entries(attributes)
    .filter(([key]) => !key.startsWith("annotation"))
    .map(([key, value]) => [key, encoder.encode(value)] as const);
  return { ...source, metadata: { ...source.metadata, ...Object.fromEntries(said) } };
}
