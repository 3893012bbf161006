import type { Digest } from "../../oci/mod.ts";

/** Who has added to the document, as SPDX names tools. */
const creator = "Tool: polyarch";

interface SpdxFile {
  readonly fileName?: unknown;
  readonly comment?: unknown;
}

/**
 * Adds to an SPDX document which layer of the image each file lies in that it lists, as `comment`. What is no such document stays as it is, and so
 * do files that have a comment.
 * @param layerOf the layer blob that a path of the image, relative to its root, comes from
 */
export function withLayersOfFiles(spdx: string, layerOf: (path: string) => Digest | undefined): string {
  const document: unknown = JSON.parse(spdx);
  if (!isRecord(document) || typeof document["spdxVersion"] !== "string") return spdx;
  const { files, creationInfo } = document;
  const info = isRecord(creationInfo) ? creationInfo : {};
  const creators: readonly unknown[] = Array.isArray(info["creators"]) ? info["creators"] : [];
  return JSON.stringify({
    ...document,
    creationInfo: { ...info, creators: [...creators, creator] },
    ...(Array.isArray(files) && {
      files: files.map((file: unknown) => (isRecord(file) ? commented(file, layerOf) : file)),
    }),
  });
}

function commented(file: SpdxFile, layerOf: (path: string) => Digest | undefined): SpdxFile {
  const { fileName, comment } = file;
  if (typeof fileName !== "string" || (comment !== undefined && comment !== "")) return file;
  const layer = layerOf(fileName.replace(/^\.?\/+/, ""));
  return layer === undefined ? file : { ...file, comment: `layerID: ${layer}` };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
