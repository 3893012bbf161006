/**
 * A registry for tests, in this process: real HTTP, the OCI distribution protocol, basic or bearer authentication, and faults on
 * request. What it holds can be looked at and changed directly.
 */
export type { TestAuth } from "./access.ts";
export type { Fault, PlannedFault } from "./fault.ts";
export { addImage } from "./image.ts";
export { type SeenRequest, startTestRegistry, type TestRegistry, type TestRegistryOptions } from "./server.ts";
export type { Storage, StoredManifest } from "./storage.ts";
