/**
 * How long the client takes to start: `--help` and `version`, which need no engine, beside Node itself.
 *
 *   bin/node bench/client-start.ts [--rounds=20]
 */
import { join } from "node:path";
import { run } from "../test/lab/mod.ts";
import { median } from "./contest.ts";

const rounds = Number(process.argv.find((arg) => arg.startsWith("--rounds="))?.slice(9) ?? 20);
const bin = join(import.meta.dirname, "..", "bin");
const cases: [name: string, command: string, args: string[]][] = [
  ["node -e 0", join(bin, "node"), ["-e", "0"]],
  ["polyarch version", join(bin, "polyarch"), ["version"]],
  ["polyarch --help", join(bin, "polyarch"), ["--help"]],
  ["polyarch build --help", join(bin, "polyarch"), ["build", "--help"]],
];
const times = new Map<string, number[]>(cases.map(([name]) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, command, args] of cases) {
    const { ms, code, stderr } = await run(command, args);
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}`);
    times.get(name)?.push(ms);
  }
}
for (const [name, ms] of times) console.log(`${name.padEnd(24)} ${median(ms).toFixed(0).padStart(5)} ms`);
