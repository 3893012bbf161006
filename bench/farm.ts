/**
 * What a farm costs: one image for four platforms, built and pushed by one node, and by two nodes of the same machine, two platforms each.
 *
 *   bin/node bench/farm.ts [--rounds=5] [--mib=16] [--files=500]
 *
 * Every platform has work of its own: a context of small files is copied, a RUN makes random bytes and looks at all files, so that the farm does no
 * step twice. Engines are fresh in each round, and who is first alternates; the build is repeated with nothing changed. Prints medians, and the median of what
 * each round's farm took of the time of that round's one node. Needs root.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { polyarchProgram, pushBaseImages, run, startEngine, startRegistry } from "../test/lab/mod.ts";
import { median } from "./contest.ts";
import { offerHelp } from "../scripts/own-help.ts";

offerHelp(import.meta.filename);
const [rounds, mib, files] = [number("rounds", 5), number("mib", 16), number("files", 500)];
const platforms = ["linux/amd64", "linux/386", "linux/arm64", "linux/arm/v7"] as const;

await using stack = new AsyncDisposableStack();
const directory = mkdtempSync(join(tmpdir(), "polyarch-farm-"));
stack.defer(() => rmSync(directory, { recursive: true, force: true }));
const registry = stack.use(await startRegistry());
const base = await pushBaseImages(registry.host);
const context = join(directory, "context");
mkdirSync(context);
for (let file = 0; file < files; file++) writeFileSync(join(context, `file-${file}`), `${file}\n`.repeat(200));
writeFileSync(
  join(directory, "Dockerfile"),
  `FROM ${base}\nCOPY . /files/\nRUN head -c ${mib}m /dev/urandom > /random && cat /files/* /random | sha256sum > /sum\n`,
);
writeFileSync(join(directory, "Warm"), `FROM ${base}\nRUN true\n`);
const env = {
  BUILDX_CONFIG: join(directory, "buildx"),
  BUILDX_NO_DEFAULT_ATTESTATIONS: "1",
  POLYARCH_ROOT: join(directory, "root"),
  POLYARCH_SOCKET: join(directory, "polyarchd.sock"),
};

const times = new Map<string, number[]>();
for (let round = 0; round < rounds; round++) {
  const order = round % 2 === 0 ? [1, 2] : [2, 1];
  for (const nodes of order) await measure(round, nodes);
}
for (const what of ["cold", "no change"]) {
  const [one = [], two = []] = [1, 2].map((nodes) => times.get(`${what} ${nodes}`));
  const [shown, other] = [one, two].map((ms) => `${(median(ms) / 1000).toFixed(2)} s`.padStart(9));
  const ratio = median(two.map((ms, at) => ms / (one[at] ?? Number.NaN)));
  console.log(`${what.padEnd(10)} one node ${shown}  two nodes ${other}  ratio ${ratio.toFixed(2)}`);
}

/** One round of one contestant: fresh engines that have answered once, the build, and the build again. */
async function measure(round: number, nodes: number): Promise<void> {
  const name = `round-${round}-${nodes}`;
  await using engines = new AsyncDisposableStack();
  for (let node = 0; node < nodes; node++) {
    const address = `unix://${directory}/${name}-${node}.sock`;
    engines.use(await startEngine(["--addr", address]));
    const share = platforms.slice((node * platforms.length) / nodes, ((node + 1) * platforms.length) / nodes);
    const how = [`--node=${name}-${node}`, `--platform=${share.join()}`, ...(node > 0 ? ["--append"] : [])];
    await timed(["create", `--name=${name}`, "--driver=remote", ...how, address]);
  }
  const build = ["build", `--builder=${name}`, `--platform=${platforms.join()}`, "--progress=plain"];
  await timed([...build, "--output=type=cacheonly", `--file=${directory}/Warm`, directory]);
  const args = [...build, `--file=${directory}/Dockerfile`, `--tag=${registry.host}/${name}`, "--push", context];
  for (const what of ["cold", "no change", "no change", "no change"]) {
    const key = `${what} ${nodes}`;
    times.set(key, [...(times.get(key) ?? []), await timed(args)]);
  }
}

async function timed(args: readonly string[]): Promise<number> {
  const { ms, code, stderr } = await run(polyarchProgram, args, { env, timeoutMs: 600_000 });
  if (code !== 0) throw new Error(`polyarch ${args.join(" ")} ended with ${code}: ${stderr}`);
  return ms;
}

function number(name: string, otherwise: number): number {
  return Number(process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise);
}
