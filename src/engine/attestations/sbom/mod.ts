/** Lists of what is in a result: asked for, made by images that are scanners or by the engine itself. */
export { type ScanStatement, scanTrees } from "./builtin-scanner.ts";
export type { ScannedFile, ScannedTree } from "./catalogs/mod.ts";
export { sbomAttestation, spdxPredicate } from "./sbom-attestation.ts";
export { type SbomRequest, sbomRequest } from "./sbom-request.ts";
export { type ScannerImage, type ScanTargets, scannerRun } from "./scanner-run.ts";
