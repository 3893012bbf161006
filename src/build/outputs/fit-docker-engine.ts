import { BuildError } from "../../base/errors/mod.ts";
import type { PlannedOutput } from "./plan-outputs.ts";

/** Whether a Docker Engine imports archives in the OCI image layout, which may hold an index. @param context Docker's name of it; absent: the one in use */
export type ImportsOci = (context: string | undefined) => Promise<boolean>;

/**
 * Outputs as the Docker Engines take them that they go to: those that keep images in containerd's store get an OCI layout, with all that it can hold.
 * @param image.isIndex the image has several platforms or attestations
 * @throws {BuildError} `invalid_argument` with docker buildx's words, for an index that an engine's store has no place for
 */
export async function fitToDockerEngines(
  outputs: readonly PlannedOutput[],
  image: { readonly isIndex: boolean },
  importsOci: ImportsOci,
): Promise<readonly PlannedOutput[]> {
  return await Promise.all(
    outputs.map(async (output) => {
      if (output.target.type !== "docker-engine") return output;
      if (await importsOci(output.target.context)) {
        // That store knows an image by its manifest or index, and not by its config.
        return { ...output, exporter: "oci", attrs: { ...output.attrs, "prefer-image-digest": "true" } };
      }
      if (!image.isIndex) return output;
      throw new BuildError("invalid_argument", "docker exporter does not currently support exporting manifest lists");
    }),
  );
}
