/** Lists of what is in a result: asked for, made by images that are scanners. */
export { sbomAttestation, spdxPredicate } from "./sbom-attestation.ts";
export { type SbomRequest, sbomRequest } from "./sbom-request.ts";
export { type ScannerImage, type ScanTargets, scannerRun } from "./scanner-run.ts";
