import { BuildError } from "../../base/errors/mod.ts";
import type { Compression } from "../refs/mod.ts";
import type { ExporterAttributes, ExportSource } from "./exporter.ts";

/** A boolean attribute: present without a value means true. @throws {BuildError} `invalid_argument` */
export function booleanAttribute(attributes: ExporterAttributes, key: string, fallback: boolean): boolean {
  const value = attributes[key];
  if (value === undefined) return fallback;
  if (value === "" || /^(1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false;
  const reason = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
  throw new BuildError("invalid_argument", `non-bool value specified for ${key}: ${reason}`);
}

/** How layers are to be compressed. @throws {BuildError} for codecs and levels that do not exist or do not work yet */
export function compressionAttributes(attributes: ExporterAttributes): { compression: Compression; force: boolean } {
  const type = attributes["compression"] ?? "gzip";
  const force = booleanAttribute(attributes, "force-compression", false);
  if (type === "estargz") {
    throw new BuildError("unimplemented", `compression "estargz" is not supported yet: use gzip, zstd or uncompressed`);
  }
  if (type !== "gzip" && type !== "zstd" && type !== "uncompressed") {
    throw new BuildError("invalid_argument", `unsupported compression type ${type}`);
  }
  const levelText = attributes["compression-level"];
  if (levelText === undefined) return { compression: { type }, force };
  const level = Number(levelText);
  const highest = type === "zstd" ? 22 : 9;
  if (type === "uncompressed" && /^\d+$/.test(levelText)) return { compression: { type }, force };
  if (!/^\d+$/.test(levelText) || level > highest) {
    throw new BuildError(
      "invalid_argument",
      `invalid compression-level "${levelText}" for ${type}, want 0 to ${highest}`,
    );
  }
  return { compression: { type, level }, force };
}

/** Seconds since the epoch that no time in the result may lie behind, if the request names them. */
export function epochAttribute(attributes: ExporterAttributes): Date | undefined {
  const text = attributes["source-date-epoch"];
  if (text === undefined || text === "") return undefined;
  if (!/^\d+$/.test(text)) throw new BuildError("invalid_argument", `invalid source-date-epoch: ${text}`);
  return new Date(Number(text) * 1000);
}

/**
 * The time that nothing of one platform's result may lie behind: the exporter's own, else the one that the frontend gives.
 * @param id platform as text
 */
export function epochOf(given: Date | undefined, source: ExportSource, id: string): Date | undefined {
  const { metadata } = source;
  const said = given ? undefined : (metadata[`source.date.epoch/${id}`] ?? metadata["source.date.epoch"]);
  return said ? epochAttribute({ "source-date-epoch": new TextDecoder().decode(said) }) : given;
}

/** Refuses what would otherwise be ignored. */
export function refuseAttributes(attributes: ExporterAttributes, keys: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(attributes)) {
    const remedy = keys[key];
    if (remedy !== undefined && value !== "false") {
      throw new BuildError("unimplemented", `exporter option "${key}" is not supported yet: ${remedy}`);
    }
  }
}
