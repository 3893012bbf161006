/**
 * The Dockerfile language, from bytes to typed instructions. Pure: reads no file and runs nothing.
 *
 * ```ts
 * const dockerfile = parseInstructions(parseDockerfile(bytes, { filename: "Dockerfile" }));
 * ```
 * 1. `parser/` cuts the text into instructions and words and remembers where each stands,
 * 2. `instructions/` understands them (one file per instruction or family),
 * 3. `shell/` expands variables once they are known; that is up to whoever runs the instructions.
 */
export { parseDockerignore } from "./ignore/dockerignore.ts";
export { ignoredBy, type IgnoreLine } from "./ignore/ignored-by.ts";
export * from "./instructions/mod.ts";
export * from "./lint/mod.ts";
export * from "./parser/mod.ts";
export * from "./shell/mod.ts";
export { dockerfileError, maxLineBytes, notSupportedYet, parseError } from "./source-text.ts";
