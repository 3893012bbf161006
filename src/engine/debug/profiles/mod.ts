/** Profiles of the running engine, made by V8 and written as pprof reads them. */
export { Profilers } from "./inspector.ts";
