/** What tests of processes in root filesystems need. */
export { findBusybox, makeRoot } from "./busybox.ts";
export { testsWithBed } from "./define.ts";
export { definesTestsInOwnNamespace } from "./own-namespace.ts";
export { processesWith, TestBed, type TestRun, type TestSpec } from "./test-bed.ts";
