export type { Attestation, AttestationFiles, Attestations, AttestationSubject } from "./attestation.ts";
