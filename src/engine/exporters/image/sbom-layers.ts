import { isCore, type ReadAttestation, spdxPredicate, withLayersOfFiles } from "../../attestations/mod.ts";
import type { LayerBlob, Ref } from "../../refs/mod.ts";

/** Adds to the SBOM of an image, if it is that, which layer each of its files lies in; everything else stays as it is. */
export async function withFileLayers(
  read: ReadAttestation,
  ref: Ref,
  layers: readonly LayerBlob[],
  { signal }: { readonly signal: AbortSignal },
): Promise<ReadAttestation> {
  if (read.attestation.predicateType !== spdxPredicate || !isCore(read)) return read;
  const find = await ref.layerFinder({ signal });
  const predicate = withLayersOfFiles(read.predicate, (path) => {
    const at = find(path);
    return at === undefined ? undefined : layers[at]?.descriptor.digest;
  });
  return { ...read, predicate };
}
