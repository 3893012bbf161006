/** The debug address: what an engine tells of itself to those who watch over it. Costs nothing where nobody has asked for one. */
export { DebugServer } from "./debug-server.ts";
