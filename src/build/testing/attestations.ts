import type { Attestations } from "../request/attestations.ts";

/** A build that is to have nothing said of it. */
export const noAttestations: Attestations = { asked: {}, provenanceByDefault: false, withoutArtifact: false };
