import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Finished } from "../lab/mod.ts";
import type { House } from "./harness.ts";

/** Arguments, what is said about them, and where the exit code is not 1 or variables are wanted, those. */
export type Mistake = readonly [
  args: readonly string[],
  says: RegExp,
  options?: { readonly code?: number; readonly env?: Readonly<Record<string, string>> },
];

/** Everything below a directory but locks, with what files contain. */
export async function contentsOf(directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && entry.name !== ".lock") found[path] = await readFile(path, "latin1");
  }
  return found;
}

/** What no mistake may change: builders, logins and manifest lists, the directory that commands run in, the registry. */
export async function stateOf(house: House, cwd: string): Promise<unknown> {
  const { BUILDX_CONFIG = "", DOCKER_CONFIG = "" } = house.env;
  const writes = (await house.registry.requests()).filter(({ method }) => method !== "GET" && method !== "HEAD");
  const kept = await Promise.all(
    ["instances", "defaults", "current"].map(async (part) => {
      const path = join(BUILDX_CONFIG, part);
      return part === "current" ? await readFile(path, "utf8").catch(() => "none") : await contentsOf(path);
    }),
  );
  return { kept, docker: await contentsOf(DOCKER_CONFIG), files: await contentsOf(cwd), writes: writes.length };
}

/** One clear error: said once, without how the program came to it, and within a minute. */
export function assertClear(done: Finished, says: RegExp, wanted = 1, mark = /^ERROR: /gm): void {
  const { code, stderr } = done;
  assert.match(stderr, says);
  assert.equal(code, wanted, stderr);
  assert.equal((stderr.match(mark) ?? []).length, 1, `one error, once:\n${stderr}`);
  assertForPeople(done);
}

/** Whatever a program had to say, it said it in words for people, and did not take long for it. */
export function assertForPeople({ stderr, ms }: Finished): void {
  assert.doesNotMatch(stderr, /^\s+at .*:\d+:\d+\)?$/m, "no stack trace");
  assert.doesNotMatch(stderr, nodeWords);
  assert.ok(ms < 60_000, `took ${ms} ms`);
}

const nodeWords =
  /\bE(?!RROR)[A-Z]{3,}: |\b(getaddrinfo|connect|spawn|read|write) E[A-Z]+\b|Internal error|undefined|\[object/;

/** As many at once as keep a machine with two processors busy. */
const atOnce = 3;

/** Does something with all of them, a few at a time. */
export async function forAll<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  const done = await Promise.allSettled(Array.from({ length: atOnce }, worker)); // nothing goes on into the next test
  for (const { reason } of done.filter((one) => one.status === "rejected")) throw reason;
}

/** A test that all of these are refused, and that they leave everything as it was. */
export function refuses(house: House, cwd: string, what: string, mistakes: () => readonly Mistake[]): void {
  test(what, async () => {
    const before = await stateOf(house, cwd);
    await forAll(mistakes(), async ([args, says, { code, env } = {}]) => {
      const done = await house.polyarch(args, { cwd, timeoutMs: 180_000, ...(env ? { env } : {}) });
      try {
        assertClear(done, says, code);
      } catch (error) {
        throw new Error(`polyarch ${args.join(" ")}`, { cause: error });
      }
    });
    assert.deepEqual(await stateOf(house, cwd), before);
  });
}
