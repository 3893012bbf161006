/** For tests of whoever asks for builds: an engine that speaks the real protocol and follows a script, and options to change. */
export { type ScriptedEngine, type SolveScript, startScriptedEngine } from "./engine.ts";
export { buildOptions } from "./options.ts";
export { noCaches } from "./caches.ts";
export { noInputs } from "./inputs.ts";
export { noAttestations } from "./attestations.ts";
