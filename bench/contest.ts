import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type LabRegistry,
  emulateOnHost,
  labPlatforms,
  openPolyarch,
  processTree,
  pushBaseImages,
  startDocker,
  startRegistry,
} from "../test/lab/mod.ts";

/** One of the two that are compared: a client and its engine, fresh, with nothing in its cache. */
export interface Contestant extends AsyncDisposable {
  readonly name: "polyarch" | "docker";
  /** `build` with these arguments, to its end; its wall time in milliseconds. */
  build(args: readonly string[]): Promise<number>;
  /** The most memory that the engine's own processes had so far, without the builds' processes. */
  peakBytes(): number;
}

/** What a benchmark needs: one registry for both contestants, and a place for files. */
export interface Arena extends AsyncDisposable {
  readonly registry: LabRegistry;
  readonly base: string;
  readonly directory: string;
  /** A fresh contestant whose engine is up and has answered once. */
  enter(name: Contestant["name"]): Promise<Contestant>;
}

/** All seven platforms, for `--platform`. */
export const sevenPlatforms = labPlatforms.map(({ name }) => name).join(",");

/** Opens an arena. Needs root: a Docker Engine runs in it, and the machine learns to run foreign programs for it. */
export async function openArena(): Promise<Arena> {
  await using undo = new AsyncDisposableStack();
  undo.use(await emulateOnHost());
  const registry = undo.use(await startRegistry());
  const base = await pushBaseImages(registry.host);
  const directory = mkdtempSync(join(tmpdir(), "polyarch-bench-"));
  undo.defer(() => rmSync(directory, { recursive: true, force: true }));
  const nothing = join(directory, "nothing");
  mkdirSync(nothing);
  writeFileSync(join(nothing, "Dockerfile"), `FROM ${base}\n`);
  const owned = undo.move();
  return {
    registry,
    base,
    directory,
    async enter(name) {
      const contestant = name === "docker" ? await enterDocker() : await enterPolyarch();
      await contestant.build(["--output=type=cacheonly", nothing]);
      return contestant;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Neither adds attestations, so that both make the same image. */
const env = { BUILDX_NO_DEFAULT_ATTESTATIONS: "1", BUILDX_GIT_INFO: "0" };

async function enterPolyarch(): Promise<Contestant> {
  const engine = await openPolyarch();
  return {
    name: "polyarch",
    async build(args) {
      const done = await engine.polyarch(["build", "--progress=plain", ...args], { env, timeoutMs: 1_800_000 });
      if (done.code !== 0) throw new Error(`polyarch build failed:\n${done.stderr}`);
      return done.ms;
    },
    peakBytes: () => peak(engine.engine()?.pid ?? 0, /polyarchd\.cjs|spawner\.cjs/),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

async function enterDocker(): Promise<Contestant> {
  const engine = await startDocker("sid");
  return {
    name: "docker",
    async build(args) {
      // Its own containers have no network here but the host's; polyarch's have that as well.
      const all = ["buildx", "build", "--progress=plain", "--network=host", ...args];
      const done = await engine.docker(all, { env, timeoutMs: 1_800_000 });
      if (done.code !== 0) throw new Error(`docker buildx build failed:\n${done.stderr}`);
      return done.ms;
    },
    peakBytes: () => peak(engine.pid, /(^|\/)(dockerd|containerd) /),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

function peak(pid: number, own: RegExp): number {
  return processTree(pid)
    .filter(({ command }) => own.test(`${command} `))
    .reduce((sum, { peakBytes }) => sum + peakBytes, 0);
}

/** What one contestant needed: wall times of several tries, and the most memory. */
export interface Score {
  readonly ms: number[];
  peakBytes: number;
}

/** Scores by what was measured, then by contestant. */
export class Scores {
  readonly #rows = new Map<string, Record<Contestant["name"], Score>>();

  add(what: string, who: Contestant["name"], ms: number, peakBytes: number): void {
    const row = this.#rows.get(what) ?? { polyarch: { ms: [], peakBytes: 0 }, docker: { ms: [], peakBytes: 0 } };
    this.#rows.set(what, row);
    row[who].ms.push(ms);
    row[who].peakBytes = Math.max(row[who].peakBytes, peakBytes);
  }

  /** One line per thing measured: medians and peaks, and polyarch's share of docker's. */
  print(): void {
    const header = ["", "polyarch", "docker buildx", "ratio", "polyarch", "dockerd", "ratio"];
    const rows = [...this.#rows].map(([what, { polyarch, docker }]) => [
      what,
      `${seconds(median(polyarch.ms))} s`,
      `${seconds(median(docker.ms))} s`,
      (median(polyarch.ms) / median(docker.ms)).toFixed(2),
      `${mebibytes(polyarch.peakBytes)} MiB`,
      `${mebibytes(docker.peakBytes)} MiB`,
      (polyarch.peakBytes / docker.peakBytes).toFixed(2),
    ]);
    const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => (row[column] ?? "").length)));
    for (const row of [header, ...rows]) {
      console.log(
        row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  "),
      );
    }
  }
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A copy of a directory in the arena, so that a benchmark may change it. */
export function copyInto(arena: Arena, name: string, source: string): string {
  const target = join(arena.directory, name);
  cpSync(source, target, { recursive: true });
  return target;
}

/** Whom to let build first: each in turn, so that neither always finds the other's pages in memory. */
export function* turns(rounds: number): Generator<readonly Contestant["name"][]> {
  for (let round = 0; round < rounds; round++) yield round % 2 === 0 ? ["polyarch", "docker"] : ["docker", "polyarch"];
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function mebibytes(bytes: number): string {
  return String(Math.round(bytes / (1 << 20)));
}
