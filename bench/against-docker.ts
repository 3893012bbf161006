/**
 * Compares with the Docker Engine's BuildKit: the same builds, in the same run, against the same registry.
 *
 *   bin/node bench/against-docker.ts [seven] [context] [layer] [--rounds=3] [--files=20000] [--mib=2048]
 *
 * - seven:   examples/hello for seven platforms, built and pushed with an empty cache, and again with nothing changed
 * - context: a context of many small files, copied and pushed; again with nothing changed; again with one file changed
 * - layer:   one layer of random bytes, made by a RUN and pushed
 *
 * Prints wall times (medians), the peak of the engines' resident memory, and polyarch's share of docker's. Runs as root;
 * fetches Debian sid's docker.io and docker-buildx and unpacks them beside this machine's own programs.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Arena, Scores, copyInto, openArena, sevenPlatforms, turns } from "./contest.ts";
import { offerHelp } from "../scripts/own-help.ts";

offerHelp(import.meta.filename);
const rounds = number("rounds", 3);
const scenarios = { seven, context, layer };
const wanted = Object.entries(scenarios).filter(([name]) => process.argv.includes(name));

await using arena = await openArena();
const scores = new Scores();
for (const [, scenario] of wanted.length > 0 ? wanted : Object.entries(scenarios)) await scenario(arena, scores);
scores.print();

async function seven(arena: Arena, scores: Scores): Promise<void> {
  const example = copyInto(arena, "hello", join(import.meta.dirname, "..", "examples", "hello"));
  let image = 0;
  for (const order of turns(rounds)) {
    for (const name of order) {
      await using contestant = await arena.enter(name);
      const tag = `--tag=${arena.registry.host}/${name}/hello-${++image}`;
      const args = [
        `--platform=${sevenPlatforms}`,
        `--build-arg=REGISTRY=${arena.registry.host}`,
        tag,
        "--push",
        example,
      ];
      scores.add("seven platforms, cold", name, await contestant.build(args), contestant.peakBytes());
      for (let again = 0; again < 3; again++) {
        scores.add("seven platforms, no change", name, await contestant.build(args), contestant.peakBytes());
      }
    }
  }
}

async function context(arena: Arena, scores: Scores): Promise<void> {
  const files = number("files", 20_000);
  const dir = join(arena.directory, "context");
  const random = mulberry(42);
  for (let at = 0; at < files; at++) {
    const sub = join(dir, "tree", String(at % 200), String(at % 7));
    if (at < 1400) mkdirSync(sub, { recursive: true });
    writeFileSync(join(sub, `${at}.txt`), text(random, 500 + Math.floor(random() * 4000)));
  }
  writeFileSync(join(dir, "Dockerfile"), `FROM ${arena.base}\nCOPY tree /tree\n`);
  let image = 0;
  for (const order of turns(rounds)) {
    for (const name of order) {
      await using contestant = await arena.enter(name);
      const args = [`--tag=${arena.registry.host}/${name}/context-${++image}`, "--push", dir];
      const measure = async (what: string) =>
        scores.add(`${files} files, ${what}`, name, await contestant.build(args), contestant.peakBytes());
      writeFileSync(join(dir, "tree/0/0/0.txt"), `before ${image}`);
      await measure("cold");
      await measure("no change");
      writeFileSync(join(dir, "tree/0/0/0.txt"), `changed ${image}`);
      await measure("one changed");
    }
  }
}

async function layer(arena: Arena, scores: Scores): Promise<void> {
  const mib = number("mib", 2048);
  const dir = join(arena.directory, "layer");
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, "Dockerfile"),
    `FROM ${arena.base}\nRUN dd if=/dev/urandom of=/big bs=1M count=${mib} 2>/dev/null\n`,
  );
  for (const name of ["polyarch", "docker"] as const) {
    await using contestant = await arena.enter(name);
    const args = [`--tag=${arena.registry.host}/${name}/layer`, "--push", dir];
    scores.add(`a layer of ${mib} MiB`, name, await contestant.build(args), contestant.peakBytes());
  }
}

function number(name: string, otherwise: number): number {
  const given = process.argv.find((arg) => arg.startsWith(`--${name}=`));
  return given === undefined ? otherwise : Number(given.slice(name.length + 3));
}

/** A small generator of numbers from 0 to 1 that always gives the same ones for a seed. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function text(random: () => number, length: number): string {
  const words = ["layer", "image", "digest", "platform", "the", "of", "and", "builds", "one", "seven", "cache"];
  let out = "";
  while (out.length < length) out += `${words[Math.floor(random() * words.length)]}${Math.floor(random() * 1000)} `;
  return out.slice(0, length);
}
