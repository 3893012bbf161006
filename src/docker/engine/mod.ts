/** The Docker Engine of the user's machine, by its HTTP API: what `--load` needs of it. */
export { dockerEngineAddress, type EngineAddress } from "./address.ts";
export { DockerEngine } from "./docker-engine.ts";
