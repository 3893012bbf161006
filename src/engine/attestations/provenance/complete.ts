import { errdefs } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { create, toJson } from "../../../base/protobuf/mod.ts";
import type { Capture } from "./capture.ts";

/**
 * For builds that must be able to name all that went into them.
 * @throws {BuildError} `provenance materials are incomplete`, with what is missing, when this one is not
 */
export function checkComplete({ isIncomplete, locals }: Capture): void {
  if (!isIncomplete && locals.length === 0) return;
  const lines = [
    "provenance materials are incomplete",
    "",
    "The build requested complete provenance materials, but not all dependencies could be captured.",
    ...(locals.length > 0 ? ["", "Uncaptured local sources:"] : []),
    ...locals.flatMap((name) => [`  - ${name || "<unnamed>"}`, "    reason: local_source"]),
  ];
  const incomplete = locals.map((name) => ({ name, reason: "local_source" }));
  const detail = create(errdefs.ProvenanceMaterialsIncompleteSchema, { incomplete });
  const value = new TextEncoder().encode(JSON.stringify(toJson(errdefs.ProvenanceMaterialsIncompleteSchema, detail)));
  const typeUrl = "github.com/moby/buildkit/errdefs.ProvenanceMaterialsIncomplete+json";
  throw new BuildError("failed_precondition", lines.join("\n"), { details: [{ typeUrl, value }] });
}
