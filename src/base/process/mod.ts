/**
 * Running other programs. One small helper process starts all of them, because starting a process costs more the larger the one is that does it.
 */
export { type Spawner, type SpawnOptions, startSpawner } from "./spawner.ts";
export type { OrphanCommand, ProcessEnd } from "./protocol.ts";
export { type Captured, capture } from "./capture.ts";
