/**
 * The Dockerfile frontend. From the request to one graph per platform:
 *
 * 1. `options.ts` checks what the request asks for,
 * 2. `definition-file.ts` and `contexts/` read the Dockerfile and `.dockerignore` from the client,
 * 3. `stage-graph.ts` finds out which stages the target needs, `base-image.ts` what they start from,
 * 4. `instructions/` lets each instruction change its stage (`stage.ts`),
 * 5. `frontend.ts` writes graphs and image configs down.
 */
export { dockerfileFrontend } from "./frontend.ts";
export { dockerfileVersion, isBuiltinFrontend } from "./syntax.ts";
