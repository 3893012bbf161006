import { compileTemplate } from "../../base/text/go-template/mod.ts";
import { parseReference, type Platform, withDefaultTag } from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import { fetchImage } from "../inspect/image.ts";
import { imageDetails, selectManifests } from "./image-details.ts";
import { renderDetails } from "./text.ts";

/** What to show of an image, and how. */
export interface DetailsOptions {
  /** Of an image for several platforms, only this one. */
  readonly platform: Platform | undefined;
  readonly signal: AbortSignal;
}

/**
 * Shows what an image in a registry is, one platform after the other.
 * @param options.format empty: text for people; `json`: a list of all; else a Go template that is filled for each, a line each
 * @throws {BuildError} what the registry says; {@link Error} when the template is wrong
 */
export async function inspectDetails(
  registry: Registry,
  name: string,
  options: DetailsOptions & { readonly format: string },
): Promise<string> {
  const { format, signal } = options;
  const reference = withDefaultTag(parseReference(name));
  // The template comes first: a mistake in it should not cost a visit to the registry.
  const template =
    format === "" || format === "json"
      ? undefined
      : compileTemplate(format, { json: (value) => JSON.stringify(value ?? null) });
  const image = await fetchImage(registry, reference, { signal });
  const manifests = await selectManifests(registry, image, options);
  const details = await Promise.all(
    manifests.map((descriptor) => imageDetails(registry, reference, descriptor, { signal })),
  );
  if (format === "json") return `${JSON.stringify(details, undefined, 4)}\n`;
  if (template) return details.map((one) => `${template.render({ ...one })}\n`).join("");
  return details.map(renderDetails).join("\n");
}

/** The bytes of an image's manifest exactly as the registry gives them; without a platform, those that the name itself points to. */
export async function inspectDetailsRaw(
  registry: Registry,
  name: string,
  options: DetailsOptions,
): Promise<Uint8Array> {
  const { platform, signal } = options;
  const reference = withDefaultTag(parseReference(name));
  const image = await fetchImage(registry, reference, { signal });
  if (!platform) return image.bytes;
  const [descriptor] = await selectManifests(registry, image, options);
  if (!descriptor) throw new Error("Internal error: a platform was chosen, and no manifest");
  return await registry.fetchManifest(reference, descriptor, { signal });
}
