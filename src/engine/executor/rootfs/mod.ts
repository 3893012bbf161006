/** The root filesystem of a process before it runs: who is who in it, and places for what will be mounted. */
export { MountPoints } from "./mount-points.ts";
export { type Missing, RootDirectory } from "./root-directory.ts";
export { findUser, type ProcessUser } from "./users.ts";
