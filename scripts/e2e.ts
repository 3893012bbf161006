/**
 * Runs the end-to-end tests: builds dist/, fetches what several of them need, then node's test runner over test/e2e.
 *
 *   bin/node scripts/e2e.ts [--reference] [FILE…] [-- options of node --test]
 *
 * Without files all of them run, two at a time. With --reference they run against `docker buildx` on a Docker Engine from
 * Debian sid instead: what fails there is either about our own engine, or a test that asks for what buildx does not do.
 * After 25 minutes the tests that still run are named and ended: something hangs.
 */
import { spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeBaseImages, must, unpackDocker } from "../test/lab/mod.ts";

if (process.argv.includes("--help")) {
  const text = readFileSync(import.meta.filename, "utf8");
  console.log(
    [...text.matchAll(/^ \* ?(.*)$/gm)]
      .map((match) => match[1])
      .slice(0, -1)
      .join("\n"),
  );
  process.exit(0);
}
const root = join(import.meta.dirname, "..");
const reference = process.argv.includes("--reference");
const given = process.argv.slice(2).filter((arg) => arg !== "--reference");
const split = given.includes("--") ? given.indexOf("--") : given.length;
const files = split > 0 ? given.slice(0, split) : globSync("test/e2e/*.test.ts", { cwd: root }).toSorted();

if (!reference) await must(join(root, "bin/node"), ["scripts/build.ts"], { cwd: root });
await makeBaseImages(); // once, before the tests that want them run side by side
await unpackDocker("stable");
if (reference) await unpackDocker("sid");

const options = ["--test", "--test-reporter=spec", `--test-concurrency=${reference ? 1 : 2}`, "--test-timeout=600000"];
const child = spawn(
  join(root, "bin/node"),
  ["--disable-warning=ExperimentalWarning", ...options, ...given.slice(split + 1), ...files],
  {
    cwd: root,
    env: { ...process.env, ...(reference ? { POLYARCH_E2E_REFERENCE: "1" } : {}) },
    stdio: ["ignore", "inherit", "inherit"],
  },
);
// The runner's own time-outs do not cover what runs before and after tests. Told to end, it says what it still waits for.
const patience = setTimeout(() => {
  console.error("The tests have taken 25 minutes: ending those that still run");
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), 60_000).unref();
}, 25 * 60_000);
child.once("close", (code) => {
  clearTimeout(patience);
  process.exitCode = code ?? 1;
});
