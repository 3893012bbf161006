import { decodeImageDocument, type Descriptor, formatPlatform } from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import { fetchJson, imageDescriptors, type RemoteImage } from "./image.ts";

/** A statement about one platform's image. */
export interface Statement {
  /** Normalized, for instance `linux/arm64`. */
  readonly platform: string;
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** All statements of the kind that `wanted` picks by predicate type. */
export async function fetchStatements(
  registry: Registry,
  image: RemoteImage,
  wanted: (predicateType: string) => boolean,
  options: { signal: AbortSignal },
): Promise<readonly Statement[]> {
  if (image.document.type === "manifest") return [];
  const platforms = new Map(
    imageDescriptors(image).map((child) => [
      child.digest as string,
      child.platform ? formatPlatform(child.platform) : "unknown",
    ]),
  );
  const found: Statement[] = [];
  for (const child of image.document.index.manifests) {
    const platform = platforms.get(child.annotations?.["vnd.docker.reference.digest"] ?? "");
    if (platform === undefined) continue;
    for (const layer of await layersOf(registry, image, child, options)) {
      const predicateType = layer.annotations?.["in-toto.io/predicate-type"] ?? "";
      if (!wanted(predicateType)) continue;
      const statement = await fetchJson(registry, image.reference, layer, options);
      found.push({ platform, predicateType, predicate: (statement as { predicate?: unknown } | null)?.predicate });
    }
  }
  return found;
}

async function layersOf(
  registry: Registry,
  image: RemoteImage,
  child: Descriptor,
  options: { signal: AbortSignal },
): Promise<readonly Descriptor[]> {
  const document = decodeImageDocument(await registry.fetchManifest(image.reference, child, options), child.mediaType);
  return document.type === "manifest" ? document.manifest.layers : [];
}
