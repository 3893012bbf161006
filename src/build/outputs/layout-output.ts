import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { type ContentStore, LayoutDirectory, type LayoutName } from "../../content/mod.ts";
import { decodeDescriptor, formatReference, parseReference, withDefaultTag } from "../../oci/mod.ts";
import type { PlannedOutput } from "./plan-outputs.ts";

/** The directory that an engine writes an image's blobs to, one by one. */
export interface LayoutOutput {
  /** Under which id the engine asks for it. */
  readonly id: string;
  readonly store: ContentStore;
  /** Records what was written. @param response what the engine says of the build */
  finish(response: Readonly<Record<string, string>>): Promise<void>;
}

/** The id that every BuildKit asks with, whichever exporter it is: so there is one of them in a build. */
const id = "export";

/**
 * Opens the directory for `tar=false`, where an output asks for it.
 * @throws {BuildError} `oci store key "export" already exists` for a second one; why a directory cannot be written to
 */
export async function openLayoutOutput(outputs: readonly PlannedOutput[]): Promise<LayoutOutput | undefined> {
  const [first, ...others] = outputs.flatMap(({ target }) => (target.type === "layout" ? [target.path] : []));
  if (first === undefined) return undefined;
  if (others.length > 0) throw new BuildError("invalid_argument", `oci store key "${id}" already exists`);
  const layout = await LayoutDirectory.open(first).catch((cause: unknown) => {
    throw new BuildError("failed_precondition", `cannot write to ${first}: ${messageOf(cause)}`, { cause });
  });
  return {
    id,
    store: layout.store,
    async finish({ "containerimage.descriptor": encoded, "image.name": names }) {
      if (encoded === undefined) throw new BuildError("internal", "the engine does not say what it has exported");
      const json: unknown = JSON.parse(Buffer.from(encoded, "base64").toString());
      await layout.put(decodeDescriptor(json, "containerimage.descriptor"), layoutNames(names));
    },
  };
}

/** @param names of an image, as engines list them; an image without one is the latest */
function layoutNames(names: string | undefined): readonly LayoutName[] {
  if (!names) return [{ tag: "latest" }];
  return names.split(",").map((name) => {
    const reference = withDefaultTag(parseReference(name));
    return { image: formatReference(reference), tag: reference.tag ?? "latest" };
  });
}
