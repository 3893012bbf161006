/**
 * Runs the end-to-end tests: builds dist/, fetches what several of them need, then node's test runner over test/e2e.
 *
 *   bin/node scripts/e2e.ts [FILE…] [-- options of node --test]
 *
 * Without files all of them run, two at a time.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { makeBaseImages, must, unpackDocker } from "../test/lab/mod.ts";

if (process.argv.includes("--help")) {
  console.log("usage: bin/node scripts/e2e.ts [FILE…] [-- options of node --test]\n\nRuns the end-to-end tests.");
  process.exit(0);
}
const root = join(import.meta.dirname, "..");
const given = process.argv.slice(2);
const split = given.includes("--") ? given.indexOf("--") : given.length;
const files = split > 0 ? given.slice(0, split) : globSync("test/e2e/*.test.ts", { cwd: root }).toSorted();

await must(join(root, "bin/node"), ["scripts/build.ts"], { cwd: root });
await makeBaseImages(); // once, before the tests that want them run side by side
await unpackDocker("stable");

const options = ["--test", "--test-reporter=spec", "--test-concurrency=2", "--test-timeout=900000"];
const child = spawn(
  join(root, "bin/node"),
  ["--disable-warning=ExperimentalWarning", ...options, ...given.slice(split + 1), ...files],
  { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
);
child.once("close", (code) => {
  process.exitCode = code ?? 1;
});
