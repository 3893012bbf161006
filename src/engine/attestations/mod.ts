/**
 * What is said of a build's result: how it was made, what is in it. Frontends and the engine say it ({@link Attestation}), exporters write it down as
 * in-toto statements. Documents and values alone: nothing here touches disk, network or clock.
 */
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
  type ScannedFile,
  type ScannedTree,
  type ScannerImage,
  type ScanStatement,
  type ScanTargets,
  sbomAttestation,
  sbomRequest,
  scannerRun,
  scanTrees,
  spdxPredicate,
} from "./sbom/mod.ts";
export {
  isCore,
  readAttestations,
  type ReadAttestation,
  refuseProvenance,
  statementOf,
  withoutInlineOnly,
} from "./read.ts";
export { withLayersOfFiles } from "./sbom-layers.ts";
export { byAlgorithm, encodeStatement, type Statement, type StatementSubject } from "./statement.ts";
