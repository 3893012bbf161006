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
  /** Reads the layers, too, and tells what the programs in them are. */
  readonly verify?: boolean;
  readonly signal: AbortSignal;
}

/** What is to be shown of an image, and what is wrong with it. */
export interface Inspection {
  readonly text: string;
  /** Why containers of it will not start, a sentence each; only when it was to be verified. */
  readonly problems: readonly string[];
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
): Promise<Inspection> {
  const { format, signal, verify = false } = options;
  const reference = withDefaultTag(parseReference(name));
  // The template comes first: a mistake in it should not cost a visit to the registry.
  const template =
    format === "" || format === "json"
      ? undefined
      : compileTemplate(format, { json: (value) => JSON.stringify(value ?? null) });
  const image = await fetchImage(registry, reference, { signal });
  const manifests = await selectManifests(registry, image, options);
  const details = await Promise.all(
    manifests.map((descriptor) => imageDetails(registry, reference, descriptor, { signal, verify })),
  );
  const text =
    format === "json"
      ? `${JSON.stringify(details, undefined, 4)}\n`
      : details
          .map((one) => (template ? `${template.render({ ...one })}\n` : renderDetails(one)))
          .join(template ? "" : "\n");
  const problems = details.flatMap(({ Name, Platform: platform, Programs }) =>
    (Programs?.Problems ?? []).map((problem) => `image ${Name} for ${platform} will not run: ${problem}`),
  );
  return { text, problems };
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
