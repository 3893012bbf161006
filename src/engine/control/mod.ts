/**
 * The conductor: takes requests over BuildKit's API and leads each build through frontend, solver and exporters. {@link controlService}
 * gives the routes to serve.
 */
export { contentService } from "./content-service.ts";
export type { EngineDeps } from "./deps.ts";
export { JobEnvironment } from "./environment.ts";
export { Intake } from "./intake.ts";
export { JobTable } from "./jobs.ts";
export { GatewayTable, gatewayService } from "./gateway/mod.ts";
export { RequestLedger } from "./provenance/mod.ts";
export { reflectionService } from "./reflection.ts";
export { controlService } from "./service.ts";
