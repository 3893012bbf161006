/** What engines record of how an image was made, for `--metadata-file`. */
export { recordedProvenance } from "./record.ts";
export { type ProvenanceMode, provenanceMode } from "./slsa.ts";
