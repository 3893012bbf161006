/** Small pieces for work that overlaps: bounds, sharing, hand-over, groups. */
export { Arrivals } from "./arrivals.ts";
export { AsyncQueue } from "./async-queue.ts";
export { Outbox } from "./outbox.ts";
export { Pace } from "./pace.ts";
export { Semaphore } from "./semaphore.ts";
export { SingleFlight } from "./single-flight.ts";
export { TaskGroup } from "./task-group.ts";
