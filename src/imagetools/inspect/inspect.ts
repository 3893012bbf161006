import { compileTemplate } from "../../base/text/go-template/mod.ts";
import { parseReference, withDefaultTag } from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import { inspectionData } from "./data.ts";
import { fetchImage } from "./image.ts";
import { renderText } from "./text.ts";

/** How to show an image. */
export interface InspectOptions {
  /** A Go template; empty or `{{.Manifest}}`: text for people. */
  readonly format?: string;
  readonly signal: AbortSignal;
}

/**
 * Shows what a name in a registry points to.
 * @returns the text, without a line end of its own when a template made it
 * @throws {BuildError} what the registry says; {@link Error} when the template is wrong
 */
export async function inspectImage(registry: Registry, name: string, options: InspectOptions): Promise<string> {
  const reference = withDefaultTag(parseReference(name));
  const format = options.format ?? "";
  // The template comes first: a mistake in it should not cost a visit to the registry.
  const template = /^\s*$|^\{\{\s*\.Manifest\s*\}\}$/.test(format)
    ? undefined
    : compileTemplate(format, { json: indentedJson });
  const image = await fetchImage(registry, reference, options);
  if (!template) return renderText(image);
  const parts = template.usesRoot ? new Set([...template.rootFields, "Image"]) : template.rootFields;
  return template.render(await inspectionData(registry, image, parts, options));
}

/** The bytes of a manifest or index exactly as the registry gives them. */
export async function inspectRaw(
  registry: Registry,
  name: string,
  options: { signal: AbortSignal },
): Promise<Uint8Array> {
  return (await fetchImage(registry, withDefaultTag(parseReference(name)), options)).bytes;
}

/** JSON as Go's `MarshalIndent` writes it: two spaces, and what HTML would mind escaped. */
function indentedJson(value: unknown): string {
  return JSON.stringify(value ?? null, undefined, 2).replaceAll(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
