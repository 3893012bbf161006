import { after, test } from "node:test";
import { findRuntimes } from "../runtime/mod.ts";
import { findBusybox } from "./busybox.ts";
import { definesTestsInOwnNamespace } from "./own-namespace.ts";
import { TestBed } from "./test-bed.ts";
import type { ExecutorOptions } from "../mod.ts";

/**
 * Defines the tests of a file (its `import.meta.url`) that run processes: in a mount namespace of its own, with a {@link TestBed} that is disposed of
 * afterwards. `prepare` may mount things before that. Says why, where that is not possible.
 */
export async function testsWithBed(
  file: string,
  define: (bed: TestBed) => Promise<void> | void,
  options: Pick<ExecutorOptions, "runtimes" | "machineEmulators"> & { prepare?: () => void } = {},
): Promise<void> {
  const wanted = options.runtimes ?? ["crun", "runc"];
  const runtime = findRuntimes(process.env["PATH"] ?? "").find(({ name }) => wanted.includes(name));
  const busybox = findBusybox();
  if (!runtime || !busybox) {
    test(
      "processes run",
      { skip: runtime ? "no static busybox can be had here" : `not installed: ${wanted.join(", ")}` },
      () => undefined,
    );
    return;
  }
  if (!definesTestsInOwnNamespace(file)) return;
  const { prepare, ...executorOptions } = options;
  prepare?.();
  const bed = await TestBed.open(busybox, executorOptions);
  after(() => bed[Symbol.asyncDispose]());
  await define(bed);
}
