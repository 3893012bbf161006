/**
 * A build's progress, from the engine's messages to what people see: {@link reduce} turns messages into a view (a value), printers turn views
 * into a picture on a terminal, lines, or JSON.
 */
export type { Nanos, Place, SolveStatus, Vertex, VertexLog, VertexStatus, VertexWarning } from "./status.ts";
export { statusFromWire } from "./from-wire.ts";
export { chooseMode, type ProgressMode } from "./mode.ts";
export { type Display, type DisplayOptions, openDisplay } from "./display.ts";
export { warningsJson } from "./rawjson/encode.ts";
export { reduce, type Reduction } from "./view/reduce.ts";
export { emptyView, type ProgressView, type StatusView, type VertexView } from "./view/view.ts";
