/**
 * Runs the end-to-end tests: builds dist/, fetches what several of them need, then node's test runner over test/e2e.
 *
 *   bin/node scripts/e2e.ts [--reference] [FILE…] [-- options of node --test]
 *
 * Without files all of them run, two at a time, in an environment that is the same for everybody. When
 * none has ended for a quarter of an hour, those that still run are named and ended: something hangs.
 *
 * Two ways to see whether a test asks for what people know. What fails then is about our own engine's processes, or a
 * difference that docs/ explains:
 *
 *   --reference                     `docker buildx` on a Docker Engine from Debian sid, in place of our client and engine
 *   POLYARCH_TEST_ENGINE=ADDRESS    our client with any BuildKit or Docker Engine (unix://…, tcp://…) in place of our engine;
 *                                   `docker` starts a Docker Engine from Debian sid for it
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, watch } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeBaseImages, must, startDocker, testEnvironment, unpackDocker } from "../test/lab/mod.ts";
import { offerHelp } from "./own-help.ts";

offerHelp(import.meta.filename);
const root = join(import.meta.dirname, "..");
process.umask(0o022); // what contexts are made of has modes that tests name
const reference = process.argv.includes("--reference");
const given = process.argv.slice(2).filter((arg) => arg !== "--reference");
const split = given.includes("--") ? given.indexOf("--") : given.length;
const files = split > 0 ? given.slice(0, split) : globSync("test/e2e/*.test.ts", { cwd: root }).toSorted();

if (!reference) await must(join(root, "bin/node"), ["scripts/build.ts"], { cwd: root });
await makeBaseImages(); // once, before the tests that want them run side by side
await unpackDocker("stable");
if (reference) await unpackDocker("sid");
const asked = process.env["POLYARCH_TEST_ENGINE"];
await using docker = asked === "docker" ? await startDocker("sid", { bridge: true }) : undefined;
const engine = docker?.host ?? asked;

const jobs = reference || engine ? 1 : 2;
/** Grows whenever a test ends. */
const ended = join(tmpdir(), `polyarch-ended-${process.pid}`);
await writeFile(ended, "");
const options = [
  "--test",
  `--test-concurrency=${jobs}`,
  "--test-timeout=600000",
  "--test-reporter=spec",
  "--test-reporter-destination=stdout",
  "--test-reporter=dot",
  `--test-reporter-destination=${ended}`,
];
const child = spawn(
  join(root, "bin/node"),
  ["--disable-warning=ExperimentalWarning", ...options, ...given.slice(split + 1), ...files],
  {
    cwd: root,
    env: {
      ...testEnvironment(process.env),
      ...(reference ? { POLYARCH_E2E_REFERENCE: "1" } : {}),
      ...(engine ? { POLYARCH_TEST_ENGINE: engine } : {}),
    },
    stdio: ["ignore", "inherit", "inherit"],
  },
);
// The runner's own time-outs do not cover what runs before and after tests. Told to end, it says what it still waits for.
let patience: NodeJS.Timeout | undefined;
const waitOn = () => {
  clearTimeout(patience);
  patience = setTimeout(() => {
    console.error("No test has ended for a quarter of an hour: ending those that still run");
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), 60_000).unref();
  }, 15 * 60_000);
};
waitOn();
const watching = watch(ended, waitOn);
const [code] = (await once(child, "close")) as [number | null];
watching.close();
clearTimeout(patience);
await rm(ended);
process.exitCode = code ?? 1;
