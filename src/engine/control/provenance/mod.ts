export { ProvenanceRecorder } from "./recorder.ts";
export { RequestLedger } from "./request-ledger.ts";
export { type FrontendCall, RequestScope } from "./request-scope.ts";
