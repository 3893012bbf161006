/** Builds that are led by a client: BuildKit's LLBBridge. */
export { gatewayService } from "./service.ts";
export { GatewayTable } from "./gateway-table.ts";
