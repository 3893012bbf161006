/** Running programs of other architectures: what the machine offers, and what we add for ourselves without changing it. */
export { Emulators, type RunPlan } from "./emulators.ts";
