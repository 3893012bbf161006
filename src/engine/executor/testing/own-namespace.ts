import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { inOwnMountNamespace } from "../mount-namespace.ts";

/**
 * For a test file whose tests mount things: runs the file again in a mount namespace of its own, as one test. The machine sees none of it.
 * @returns whether the caller is in there already, and shall define its tests
 */
export function definesTestsInOwnNamespace(file: string): boolean {
  if (inOwnMountNamespace()) return true;
  const skip = process.getuid?.() === 0 ? false : "needs root";
  test("in a mount namespace of its own", { skip, timeout: 300_000 }, () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const node = [
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      "--test-reporter=spec",
      fileURLToPath(file),
    ];
    const { status, stdout } = spawnSync("unshare", ["--mount", "--propagation", "private", ...node], {
      encoding: "utf8",
      env,
    });
    console.log(stdout);
    assert.equal(status, 0, "see the output above");
  });
  return false;
}
