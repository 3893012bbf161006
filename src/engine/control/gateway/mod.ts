/** Builds that are led by a client: BuildKit's LLBBridge. */
export { runImageFrontend } from "./image-frontend/run-image-frontend.ts";
export { gatewayService } from "./service.ts";
export { GatewayTable } from "./gateway-table.ts";
