export {
  type AskedAttestations,
  askedAttestations,
  asksForAttestation,
  type AttestationAttributes,
} from "./asked.ts";
export type { Attestation, AttestationFiles, Attestations, AttestationSubject } from "./attestation.ts";
export * from "./provenance/mod.ts";
export {
  type SbomRequest,
  type ScannerImage,
  type ScanTargets,
  sbomAttestation,
  sbomRequest,
  scannerRun,
  spdxPredicate,
} from "./sbom/mod.ts";
