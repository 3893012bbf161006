/**
 * Runs the unit tests, in an environment that is the same for everybody.
 *
 *   bin/node scripts/unit.ts [FILE…] [-- options of node --test]
 *
 * Without files all of them run.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { makeBaseImages, testEnvironment } from "../test/lab/mod.ts";
import { offerHelp } from "./own-help.ts";

offerHelp(import.meta.filename);
process.umask(0o022);
const root = join(import.meta.dirname, "..");
const given = process.argv.slice(2);
const split = given.includes("--") ? given.indexOf("--") : given.length;
const files = split > 0 ? given.slice(0, split) : ["src/**/*.test.ts"];
const options = ["--test", `--test-concurrency=${availableParallelism()}`, ...given.slice(split + 1)];
// Some run programs in containers, of all architectures, and take what programs there are.
await makeBaseImages().catch((error: unknown) =>
  console.error(`Tests that need Debian's busybox are skipped: ${String(error)}`),
);
const child = spawn(join(root, "bin/node"), ["--disable-warning=ExperimentalWarning", ...options, ...files], {
  cwd: root,
  env: testEnvironment(process.env),
  stdio: ["ignore", "inherit", "inherit"],
});
const [code] = (await once(child, "close")) as [number | null];
process.exitCode = code ?? 1;
