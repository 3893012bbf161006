/**
 * How long it takes to list builders: `polyarch ls` and `docker buildx ls` over the same store, with one builder of three nodes.
 *
 *   bin/node bench/ls.ts [--rounds=20]
 *
 * The nodes are engines of ours on unix sockets, all running. Prints medians and polyarch's share. Needs root; fetches Debian sid's docker.io and
 * docker-buildx and unpacks them beside this machine's own programs.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { polyarchProgram, run, startEngine, unpackDocker } from "../test/lab/mod.ts";
import { median } from "./contest.ts";
import { offerHelp } from "../scripts/own-help.ts";

offerHelp(import.meta.filename);
const rounds = Number(process.argv.find((arg) => arg.startsWith("--rounds="))?.slice(9) ?? 20);
await using stack = new AsyncDisposableStack();
const directory = mkdtempSync(join(tmpdir(), "polyarch-ls-"));
stack.defer(() => rmSync(directory, { recursive: true, force: true }));
const { path, libraries, plugins } = await unpackDocker("sid");
mkdirSync(join(directory, "docker"));
writeFileSync(join(directory, "docker/config.json"), JSON.stringify({ cliPluginsExtraDirs: plugins }));
const env = {
  PATH: [...path, process.env["PATH"]].join(delimiter),
  LD_LIBRARY_PATH: libraries.join(delimiter),
  DOCKER_CONFIG: join(directory, "docker"),
  POLYARCH_ROOT: join(directory, "root"),
  POLYARCH_SOCKET: join(directory, "polyarchd.sock"),
};
for (const [at, node] of ["one", "two", "three"].entries()) {
  const address = `unix://${directory}/${node}.sock`;
  stack.use(await startEngine(["--addr", address]));
  const append = at > 0 ? ["--append"] : [];
  await timed(polyarchProgram, ["create", "--name=three", "--driver=remote", `--node=${node}`, ...append, address]);
}

const contestants: readonly [name: string, command: string, args: readonly string[]][] = [
  ["polyarch ls", polyarchProgram, ["ls"]],
  ["docker buildx ls", "docker", ["buildx", "ls"]],
  ["polyarch version", polyarchProgram, ["version"]],
  ["docker buildx version", "docker", ["buildx", "version"]],
];
const times = new Map<string, number[]>(contestants.map(([name]) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, command, args] of contestants) times.get(name)?.push(await timed(command, args));
}
for (const [name, ms] of times) console.log(`${name.padEnd(24)} ${median(ms).toFixed(0).padStart(5)} ms`);
const of = (name: string) => median(times.get(name) ?? []);
console.log(`${"ratio of ls".padEnd(24)} ${(of("polyarch ls") / of("docker buildx ls")).toFixed(2).padStart(5)}`);

async function timed(command: string, args: readonly string[]): Promise<number> {
  const { ms, code, stderr } = await run(command, args, { env });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${stderr}`);
  return ms;
}
