/**
 * Compares what our Dockerfile frontend says of mutated Dockerfiles with what BuildKit says: whether it takes them, in which words it
 * refuses them, and which lint rules find what.
 *
 *   bin/node scripts/differential.ts [--count N] [--seed N] [--engine ADDRESS] [--record FILE]
 *
 * - The reference is the BuildKit of a Docker Engine from Debian sid, started for this, or whatever answers at ADDRESS (unix:///…: a
 *   BuildKit; docker:///…: the socket of a Docker Engine).
 * - --count: how many inputs, 2000 unless said otherwise; --seed: of the first.
 * - --record: writes inputs and the reference's verdicts to FILE, for the test that replays them.
 *
 * Exits 1 when there are differences without an explanation. Takes some minutes.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { askFrontend } from "../src/build/mod.ts";
import { BuildKitClient, connect, dialAddress } from "../src/client/mod.ts";
import { DockerEngine, engineAddressOf } from "../src/docker/mod.ts";
import { mutate } from "../src/engine/frontends/dockerfile/differential/mutate.ts";
import { corpus } from "../src/engine/frontends/dockerfile/differential/corpus.ts";
import {
  difference,
  ownVerdict,
  type Verdict,
  verdictOf,
} from "../src/engine/frontends/dockerfile/differential/verdict.ts";
import { fileSync, newSessionId } from "../src/session/mod.ts";
import type { LintAnswer } from "../src/subrequests/mod.ts";
import { offerHelp } from "./own-help.ts";
import { startDocker } from "../test/lab/mod.ts";

offerHelp(import.meta.filename);
const { values } = parseArgs({
  options: {
    count: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    engine: { type: "string", default: "" },
    record: { type: "string", default: "" },
  },
});

await using undo = new AsyncDisposableStack();
const { signal } = new AbortController();
const address = values.engine || undo.use(await startDocker("sid")).host.replace(/^unix:/, "docker:");
const root = await mkdtemp(join(tmpdir(), "polyarch-differential-"));
undo.defer(() => rm(root, { recursive: true, force: true }));
const client = undo.use(await openClient(address));
const session = undo.use(
  await client.openSession({
    attachables: [fileSync({ dirs: { context: { path: root }, dockerfile: { path: root } } })],
    sharedKey: "",
  }),
);

const count = Number(values.count);
const first = Number(values.seed);
const unexplained: string[] = [];
const recorded: { readonly dockerfile: string; readonly verdict: Verdict }[] = [];
let refused = 0;
let next = 0;
await Promise.all(Array.from({ length: 4 }, work));
console.log(
  `${count} inputs, ${refused} of them refused by the reference, ${unexplained.length} unexplained differences`,
);
for (const text of unexplained) console.log(text);
if (values.record !== "") await writeFile(values.record, `${JSON.stringify(recorded, undefined, 2)}\n`);
if (unexplained.length > 0) process.exitCode = 1;

async function work(): Promise<void> {
  for (let at = next++; at < count; at = next++) {
    const seed = first + at;
    const dockerfile = at < corpus.length ? (corpus[at] as string) : mutate(corpus, seed);
    const [ours, theirs] = await Promise.all([ownVerdict(dockerfile), theirVerdict(dockerfile, seed)]);
    if (theirs.error !== "") refused++;
    const found = difference(ours, theirs);
    if (found === undefined) recorded.push({ dockerfile, verdict: theirs });
    else unexplained.push(`seed ${seed}: ${found}\n${dockerfile}\n`);
  }
}

async function theirVerdict(dockerfile: string, seed: number): Promise<Verdict> {
  const filename = `Dockerfile.${seed}`;
  await writeFile(join(root, filename), dockerfile);
  try {
    const attrs = { filename, requestid: "frontend.lint", "frontend.caps": "moby.buildkit.frontend.subrequests" };
    const request = { ref: newSessionId(), sessionId: session.id, attrs, entitlements: [], signal };
    const { "result.json": json = "{}" } = await askFrontend(client, request);
    return verdictOf(JSON.parse(json) as LintAnswer);
  } catch (error) {
    return { error: (error as Error).message, findings: [] };
  } finally {
    await rm(join(root, filename));
  }
}

async function openClient(to: string): Promise<BuildKitClient> {
  if (!to.startsWith("docker:")) return new BuildKitClient(connect({ open: dialAddress(to) }));
  const surroundings = { env: {}, configDirectory: root, currentContext: undefined };
  const docker = await DockerEngine.open(await engineAddressOf(to.replace(/^docker:/, "unix:"), surroundings));
  return new BuildKitClient(connect({ open: async (options) => await docker.openBuildKit(options) }), {
    dialSession: async ({ headers, signal: inner = signal }) => await docker.openSession({ headers, signal: inner }),
  });
}
