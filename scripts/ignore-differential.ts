/**
 * Compares which files of a context reach a build here and in docker buildx: random trees, random `.dockerignore` files.
 *
 *   bin/node scripts/ignore-differential.ts [CASES] [SEED]
 *
 * Needs root, and fetches Docker from Debian the first time. Prints each case that differs, and exits 1 when there is one.
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openPolyarch, openReference } from "../test/lab/mod.ts";

if (process.argv.includes("--help")) {
  console.log("usage: bin/node scripts/ignore-differential.ts [CASES] [SEED]");
  process.exit(0);
}
const cases = Number(process.argv[2] ?? 100);
let state = Number(process.argv[3] ?? Date.now() % 1_000_000);
console.log(`${cases} cases, seed ${state}`);

/** Numbers from 0 to below `end`, the same for the same seed. */
function random(end: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return (state >>> 8) % end;
}
const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;

const names = ["a", "b", "ab", "a.b", ".a", "A", "a b", "ä", "[a]", "a*", "c-d", "node"];
const words = [
  ...names,
  "*",
  "**",
  "?",
  "a*",
  "*b",
  "[ab]",
  "[a-c]*",
  "[^a]",
  "\\*",
  "a?b",
  "*.b",
  "..",
  ".",
  "**b",
  "a**",
  "[",
  "[a-",
  "{a,b}",
  "\\a",
];

function randomPath(parts: readonly string[]): string {
  return Array.from({ length: 1 + random(3) }, () => pick(parts)).join("/");
}
function randomPattern(): string {
  return (
    pick(["", "", "", "!", "!", "/", "./", " ", "! ", "#"]) +
    randomPath(words) +
    pick(["", "", "", "/", " ", "/**", "/*"])
  );
}

await using ours = await openPolyarch();
await using theirs = await openReference();
const scratch = await mkdtemp(join(tmpdir(), "polyarch-ignore-"));
let different = 0;
try {
  for (let number = 0; number < cases; number++) {
    const context = join(scratch, `context-${number}`);
    await mkdir(context);
    await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY . /\n");
    for (let at = 0; at < 12; at++) {
      const path = join(context, randomPath(names));
      // A name may be a file already where a directory is wanted.
      await mkdir(dirname(path), { recursive: true })
        .then(
          () => writeFile(path, ""),
          () => undefined,
        )
        .catch(() => undefined);
    }
    const patterns = Array.from({ length: 1 + random(5) }, randomPattern);
    await writeFile(join(context, ".dockerignore"), `${patterns.join(pick(["\n", "\n", "\r\n"]))}\n`);
    const [mine, reference] = await Promise.all(
      [ours, theirs].map(async (engine, at) => {
        const out = join(scratch, `out-${at}`);
        const { code, stderr } = await engine.polyarch(["build", "--progress=plain", "--output", out, context]);
        const found = code === 0 ? (await readdir(out, { recursive: true })).toSorted() : [];
        await rm(out, { recursive: true, force: true });
        return code === 0 ? found.join("\n") : (/ERROR: (.*)\n$/.exec(stderr)?.[1] ?? stderr).replace(/ref \S+/, "ref");
      }),
    );
    if (mine !== reference) {
      different++;
      console.log(`\ncase ${number}: ${JSON.stringify(patterns)}\n--- here\n${mine}\n--- docker buildx\n${reference}`);
    }
    await rm(context, { recursive: true });
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
console.log(`${different} of ${cases} differ`);
process.exitCode = different > 0 ? 1 : 0;
