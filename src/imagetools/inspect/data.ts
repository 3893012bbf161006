import {
  type Descriptor,
  descriptorToJson,
  encodeImageConfig,
  formatPlatform,
  formatReference,
  type ImageConfig,
  platformOfConfig,
} from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import { fetchStatements, type Statement } from "./attestations.ts";
import { fetchConfig, imageDescriptors, type RemoteImage } from "./image.ts";

/** The parts of what a template can show, in their order. `SBOM` and `Provenance` come only when they are named. */
export type DataPart = "Name" | "Manifest" | "Image" | "SBOM" | "Provenance";

/** Everything about an image as plain JSON values, of which only the wanted parts are fetched. */
export async function inspectionData(
  registry: Registry,
  image: RemoteImage,
  parts: ReadonlySet<string>,
  options: { signal: AbortSignal },
): Promise<Record<string, unknown>> {
  const several = imageDescriptors(image).length > 1;
  return {
    name: formatReference(image.reference),
    manifest: manifestData(image),
    image: parts.has("Image") ? await imageData(registry, image, several, options) : null,
    ...(parts.has("SBOM") ? { SBOM: await sbomData(registry, image, several, options) } : {}),
    ...(parts.has("Provenance") ? { Provenance: await provenanceData(registry, image, several, options) } : {}),
  };
}

function manifestData({ document, descriptor }: RemoteImage): unknown {
  const { mediaType, digest, size } = descriptor;
  if (document.type === "manifest") return descriptorToJson({ mediaType, digest, size } as Descriptor);
  const { manifests, annotations } = document.index;
  return {
    schemaVersion: 2,
    mediaType,
    digest,
    size,
    manifests: manifests.map(descriptorToJson),
    ...(annotations ? { annotations } : {}),
  };
}

async function imageData(
  registry: Registry,
  image: RemoteImage,
  several: boolean,
  options: { signal: AbortSignal },
): Promise<unknown> {
  const configs = await Promise.all(
    imageDescriptors(image).map((child) => fetchConfig(registry, image.reference, child, options)),
  );
  if (!several) return configs[0] ? configData(configs[0]) : null;
  return byName(configs.map((config) => [formatPlatform(platformOfConfig(config)), configData(config)]));
}

/** A config's fields in the order of the specification. */
function configData(config: ImageConfig): unknown {
  const { created, author, architecture, os, ...rest } = JSON.parse(
    new TextDecoder().decode(encodeImageConfig(config)),
  ) as ImageConfig & Record<string, unknown>;
  const { config: container, rootfs, history, ...others } = rest;
  const ordered = {
    created,
    author,
    architecture,
    os,
    "os.version": others["os.version"],
    "os.features": others["os.features"],
    variant: others.variant,
    config: container,
    rootfs,
    history,
  };
  return { ...withoutUndefined(ordered), ...others };
}

async function provenanceData(
  registry: Registry,
  image: RemoteImage,
  several: boolean,
  options: { signal: AbortSignal },
): Promise<unknown> {
  const statements = await fetchStatements(
    registry,
    image,
    (type) => type.startsWith("https://slsa.dev/provenance/"),
    options,
  );
  return perPlatform(several, statements, ([first]) => ({ SLSA: first?.predicate }));
}

async function sbomData(
  registry: Registry,
  image: RemoteImage,
  several: boolean,
  options: { signal: AbortSignal },
): Promise<unknown> {
  const statements = await fetchStatements(registry, image, (type) => type === "https://spdx.dev/Document", options);
  return perPlatform(several, statements, ([first, ...more]) => ({
    SPDX: first?.predicate,
    ...(more.length > 0 ? { AdditionalSPDXs: more.map(({ predicate }) => predicate) } : {}),
  }));
}

function perPlatform(
  several: boolean,
  statements: readonly Statement[],
  show: (statements: readonly Statement[]) => unknown,
): unknown {
  const grouped = Object.entries(Object.groupBy(statements, ({ platform }) => platform));
  const shown = grouped.map(([platform, group]) => [platform, show(group ?? [])] as const);
  return several ? byName(shown) : (shown[0]?.[1] ?? {});
}

function byName(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function withoutUndefined(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));
}
