/** Looking at images where they lie, in registries. */
export { inspectImage, type InspectOptions, inspectRaw } from "./inspect/inspect.ts";
