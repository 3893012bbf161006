/**
 * How long the engine takes over graphs of thousands of vertices, the second time: everything is in its cache, and what is left is what a vertex
 * itself costs.
 *
 *   bin/node bench/large-graph.ts [--vertices=5000] [--rounds=10] [--shape=chain|copies|branches]
 *
 * Three shapes, through the public API, with an engine of its own: a chain, a chain whose steps each read one of many sources beside it, and many
 * branches that are merged. Prints for each how long the first solve took, the fastest and the median of the others, and the engine's memory. Needs root.
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BuildKitClient, connect, dialAddress } from "../src/client/mod.ts";
import { marshal, merge, scratch, type State } from "../src/llb/mod.ts";
import { processes, startEngine } from "../test/lab/mod.ts";
import { median } from "./contest.ts";
import { offerHelp } from "../scripts/own-help.ts";

offerHelp(import.meta.filename);
const option = (name: string, usual: number) =>
  Number(process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? usual);
const only = process.argv.find((arg) => arg.startsWith("--shape="))?.slice(8);
const [vertices, rounds] = [option("vertices", 5000), option("rounds", 10)];
await using stack = new AsyncDisposableStack();
const directory = mkdtempSync(join(tmpdir(), "polyarch-graph-"));
stack.defer(() => rmSync(directory, { recursive: true, force: true }));
const address = `unix://${directory}/engine.sock`;
const engine = stack.use(await startEngine(["--addr", address]));
const client = stack.use(new BuildKitClient(connect({ open: dialAddress(address) })));

const timestampNs = 1_000_000_000n;
const file = (state: State, name: string): State =>
  state.file([{ type: "mkfile", path: `/${name}`, mode: 0o644, data: Buffer.from(name), timestampNs }]);
const copy = (state: State, from: State, name: string): State =>
  state.file([{ type: "copy", from, source: `/${name}`, destination: `/${name}`, timestampNs }]);
const names = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `${prefix}${at}`);

const shapes: Readonly<Record<string, () => State>> = {
  // The same few names, so that the tree stays small: it is vertices that are measured.
  chain: () => names("f", vertices).reduce((state, _, at) => file(state, `chain-${at % 100}-${at % 7}`), scratch),
  copies: () =>
    names("c", Math.floor(vertices / 2)).reduce((state, name) => copy(state, file(scratch, name), name), scratch),
  branches: () => {
    const each = Math.floor(vertices / 50) - 1;
    const branch = (at: number) => names(`b${at}-`, each).reduce(file, scratch);
    return merge(Array.from({ length: 50 }, (_, at) => branch(at)));
  },
};
for (const [shape, make] of Object.entries(shapes)) {
  if (only !== undefined && only !== shape) continue;
  const definition = marshal(make());
  const solve = async () => {
    const from = performance.now();
    const ref = randomUUID();
    let told = 0;
    const news = (async () => {
      for await (const { vertexes } of client.status(ref)) told += vertexes.length;
    })();
    await client.solve({ Ref: ref, Definition: definition, Internal: true });
    await news;
    return { ms: performance.now() - from, told };
  };
  const first = await solve();
  const again: { ms: number; told: number }[] = [];
  for (let round = 0; round < rounds; round++) again.push(await solve());
  const ms = again.map((one) => one.ms);
  const memory = processes().find(({ pid }) => pid === engine.pid)?.bytes ?? 0;
  console.log(
    `${shape.padEnd(10)} ${String(definition.def.length - 1).padStart(6)} vertices, first ${first.ms.toFixed(0)} ms, ` +
      `from cache ${Math.min(...ms).toFixed(0)} ms (median ${median(ms).toFixed(0)}), ${again.at(-1)?.told} news, ` +
      `${(memory / 2 ** 20).toFixed(0)} MiB`,
  );
}
