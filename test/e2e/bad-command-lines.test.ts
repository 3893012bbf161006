import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openHouse } from "./harness.ts";
import { assertForPeople, forAll } from "./refusals.ts";

/**
 * Command lines that nobody would type: any flags with any values. Whatever happens, it ends soon and in words for people. Nothing beyond this
 * machine is asked, and no engine but our own.
 */
const house = await openHouse();
const cwd = join(await house.directory(), "below/below");
await mkdir(cwd, { recursive: true });
const nowhere = "http://127.0.0.1:1";
const env = {
  DOCKER_HOST: "unix:///none.sock",
  KUBECONFIG: "/none",
  BUILDX_BUILDER: "embedded",
  HOME: cwd,
  http_proxy: nowhere,
  https_proxy: nowhere,
};
const polyarch = (args: readonly string[]) => house.polyarch(args, { cwd, env, timeoutMs: 180_000 });

const pairs = ["", "x", "=", "a=b", "a=b=c", ",", ",,a", "type=", "type=nope", "type=local", "type=tar,dest=-"];
const amounts = ["0", "-1", "1e99", "99999999999999999999", "NaN", "true", "1h1", "10XB", "linux/amd64", "linux/x/y/z"];
const templates = ["{{", "{{.}}", "{{json .Nope}}", "json", "%s%n", "[", "(*", "\\", "'", '"', "all", "id=x,src=x"];
const texts = [" ", "\u{1f600}", "\n", "\u001b[2J", "a".repeat(5000)];
const places = ["..", "./x", "-", "--", "sha256:x", "@sha256:", ":", "//", "UPPER", "host:99999/x", "docker-image://"];
const values = [...pairs, ...amounts, ...templates, ...texts, ...places];

/** What a command must have, so that fuzzing stays in this house: the machine's own table of emulators is not for it. */
const always: Readonly<Record<string, readonly string[]>> = { binfmt: ["--mount=none"] };

/** The same numbers for the same seed, on every machine: from 0, below 1. */
function* randomNumbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1103515245 + 12345) % 0x80000000;
    yield state / 0x80000000;
  }
}

/** Every command that `--help` tells of, with its flags. */
async function commandsOf(path: readonly string[]): Promise<{ path: readonly string[]; flags: readonly string[] }[]> {
  const { stdout } = await polyarch([...path, "--help"]);
  const below = /^Available Commands:\n((?: {2}.+\n)+)/m.exec(stdout)?.[1] ?? "";
  const names = [...below.matchAll(/^ {2}(\S+)/gm)].map((match) => match[1] as string);
  const flags = [...stdout.matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)].map((match) => match[1] as string);
  const children = await Promise.all(names.map((name) => commandsOf([...path, name])));
  return [{ path, flags: flags.filter((flag) => flag !== "--help") }, ...children.flat()];
}

const commands = (await commandsOf([])).filter(({ path }) => path.length > 0 && path[0] !== "completion");

test("there are commands and flags to try", () => {
  const names = commands.map(({ path }) => path.join(" "));
  for (const name of ["build", "create", "imagetools create", "history inspect attachment", "manifest annotate", "run"])
    assert.ok(names.includes(name), `${name} in ${names.join(", ")}`);
  assert.ok(commands.flatMap(({ flags }) => flags).length > 150);
});

for (const seed of [1, 2]) {
  test(`no command crashes, hangs or shows its insides, whatever it is given (seed ${seed})`, async () => {
    const numbers = randomNumbers(seed * 7919);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(numbers.next().value * list.length)] as T;
    const lines = commands.map(({ path, flags }) => {
      const given = Array.from(
        { length: Math.floor(numbers.next().value * 3) },
        () => `${pick(flags)}=${pick(values)}`,
      );
      const args = Array.from({ length: Math.floor(numbers.next().value * 4) }, () => pick(values));
      return [...path, ...given, ...(always[path.join(" ")] ?? []), ...args];
    });
    await forAll(lines, async (args) => {
      const done = await polyarch(args);
      try {
        assert.ok([0, 1, 125].includes(done.code), `it ended with ${done.code}`);
        assert.equal((done.stderr.match(/^ERROR: /gm) ?? []).length, done.code === 0 ? 0 : 1, "one error, once");
        assertForPeople(done);
      } catch (error) {
        throw new Error(`polyarch ${JSON.stringify(args)}:\n${done.stderr}`, { cause: error });
      }
    });
  });
}
