/** What a build reads, directories, stdin, addresses, images in layouts: how the request names it and what the session offers for it. */
export type { BuildInputs, InputEnvironment } from "./inputs.ts";
export { openInputs } from "./open-inputs.ts";
