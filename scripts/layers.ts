/**
 * Checks that imports point downward, as the table in ARCHITECTURE.md says, and draws who imports whom.
 *
 *   bin/node scripts/layers.ts [--graph | --help]
 *
 * - A folder of src/ may import the folders that its row names, and src/base; src/main may import everything.
 * - "x (types)" allows `import type` alone.
 * - The folders of src/engine have rows of their own, "in engine: …", beside the row "engine/*" for all of them.
 * - Other folders are entered by their front door, mod.ts; only src/main opens inner doors, to load less.
 * - Tests (*.test.ts and testing/) may import any front door, and any testing/ folder's.
 *
 * Exits 1 when an arrow points upward or past a front door, and says what to do about it.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { offerHelp } from "./own-help.ts";

const root = join(import.meta.dirname, "..");
const source = join(root, "src");

offerHelp(import.meta.filename);

/** A folder with a front door: `oci`, `base/errors`, `engine/refs`. */
type Unit = string;

interface Import {
  readonly file: string;
  readonly line: number;
  readonly from: Unit;
  readonly to: Unit;
  readonly target: string;
  readonly typesOnly: boolean;
}

interface Rules {
  readonly allowed: ReadonlyMap<string, ReadonlySet<string>>;
  readonly everything: ReadonlySet<string>;
}

const rules = readRules(join(root, "ARCHITECTURE.md"));
const imports = sourceFiles(source).flatMap((file) => importsOf(file));
const problems = imports.flatMap((arrow) => {
  const problem = judge(arrow);
  return problem === undefined ? [] : [{ arrow, problem }];
});
draw(process.argv.includes("--graph"));
for (const { arrow, problem } of problems) console.error(`${arrow.file}:${arrow.line}: ${problem}`);
if (problems.length > 0) {
  console.error(
    `\n${problems.length} import(s) against ARCHITECTURE.md. Move the code to where it may be imported from, pass it in as an` +
      " argument from src/main,\nor, where the plan itself is wrong, change the table in the same commit.",
  );
  process.exit(1);
}

/** The table "folder | may import" of ARCHITECTURE.md, so that the picture and the check cannot differ. */
function readRules(path: string): Rules {
  if (!existsSync(path)) throw new Error(`${path} is missing: its table of folders is what this program checks`);
  const allowed = new Map<string, Set<string>>();
  const everything = new Set<string>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const cells = /^\|([^|]+)\|([^|]+)\|\s*$/.exec(line);
    if (cells === null) continue;
    const [, left = "", right = ""] = cells;
    const inEngine = left.includes("in engine:");
    const words = (text: string) =>
      text
        .replace("in engine:", "")
        .replaceAll(/`/g, "")
        .split(",")
        .map((word) => word.trim())
        .filter((word) => /^[\w/*-]+( \(types\))?$/.test(word));
    for (const folder of words(left)) {
      const name = inEngine ? `engine/${folder}` : folder;
      const targets = allowed.get(name) ?? new Set<string>();
      for (const target of words(right)) {
        if (target === "everything") everything.add(name);
        else targets.add(inEngine ? `engine/${target}` : target);
      }
      allowed.set(name, targets);
    }
  }
  if (!allowed.has("base") || !everything.has("main")) {
    throw new Error(`${path} has no table "| folder | may import |" with rows for main and base`);
  }
  return { allowed, everything };
}

function judge({ file, from, to, target, typesOnly }: Import): string | undefined {
  const top = (unit: Unit) => unit.split("/", 1)[0] ?? unit;
  if (from === to || rules.everything.has(top(from))) return undefined;
  const isTest = /\.test\.ts$|(^|\/)testing\//.test(file);
  // base/text and the like have a front door per topic
  const door = new RegExp(`^src/${to}/(testing/)?${top(to) === "base" ? "(?:.+/)?" : ""}mod\\.ts$`).exec(target);
  if (door === null) return `enters ${to} past its front door: import src/${to}/mod.ts instead of ${target}`;
  if (isTest) return undefined;
  if (door[1] !== undefined) return `imports ${target}, which is for tests only`;
  if (top(to) === "base") return undefined;
  if (top(from) === "base") return `base knows nothing of images, so it cannot import ${to}`;
  const wanted = top(from) === "engine" && top(to) === "engine" ? [from, to] : [top(from), top(to)];
  const [row = "", folder = ""] = wanted;
  const names = rules.allowed.get(row) ?? (top(from) === "engine" ? rules.allowed.get("engine/*") : undefined);
  const common = top(from) === "engine" && top(to) !== "engine" ? rules.allowed.get("engine/*") : undefined;
  if (names === undefined && common === undefined) return `${row} has no row in ARCHITECTURE.md`;
  if (names?.has(folder) || common?.has(folder)) return undefined;
  if (names?.has(`${folder} (types)`) || common?.has(`${folder} (types)`)) {
    return typesOnly ? undefined : `${row} may import only types of ${folder}`;
  }
  return `upward: ${row} may not import ${folder}`;
}

function unitOf(file: string): Unit {
  const [top = "", second = ""] = relative(source, file).split("/");
  return top === "base" || top === "engine" ? `${top}/${second}` : top;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, "utf8");
  const found: Import[] = [];
  // Statements (also `import type`), re-exports and `import("…")`; in comments and strings there are none that end so.
  const pattern =
    /(?:^(?:import|export)(\s+type)?\b[^;"']*?\bfrom\s*|^import\s*|\bimport\(\s*)["'](\.{1,2}\/[^"']+)["']/gm;
  for (const match of text.matchAll(pattern)) {
    const target = resolve(dirname(file), match[2] ?? "");
    if (!target.startsWith(`${source}/`)) continue;
    found.push({
      file: relative(root, file),
      line: text.slice(0, match.index).split("\n").length,
      from: unitOf(file),
      to: unitOf(target),
      target: relative(root, target),
      typesOnly: match[1] !== undefined,
    });
  }
  return found;
}

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return entry.name === "testdata" ? [] : sourceFiles(path);
      return entry.name.endsWith(".ts") ? [path] : [];
    });
}

/** One line per folder, those that nobody else may import first. */
function draw(full: boolean): void {
  const arrows = imports.filter(({ from, to, file }) => from !== to && !/\.test\.ts$|\/testing\//.test(file));
  const depths = new Map<Unit, number>();
  const depth = (unit: Unit, path: readonly Unit[] = []): number => {
    const known = depths.get(unit);
    if (known !== undefined) return known;
    if (path.includes(unit)) return 0;
    const below = new Set(arrows.filter(({ from }) => from === unit).map(({ to }) => to));
    const result = Math.max(0, ...[...below].map((next) => 1 + depth(next, [...path, unit])));
    depths.set(unit, result);
    return result;
  };
  const units = [...new Set(imports.flatMap(({ from, to }) => [from, to]))];
  units.sort((a, b) => depth(b) - depth(a) || (a < b ? -1 : 1));
  if (full) {
    for (const unit of units) {
      const counts = new Map<Unit, number>();
      for (const { from, to } of arrows) if (from === unit) counts.set(to, (counts.get(to) ?? 0) + 1);
      const bad = new Set(problems.filter(({ arrow }) => arrow.from === unit).map(({ arrow }) => arrow.to));
      const below = [...counts].map(([to, count]) => `${bad.has(to) ? "!! " : ""}${to} ${count}`);
      console.log(`${unit.padEnd(24)} ${below.length > 0 ? "-> " : ""}${below.join(", ")}`);
    }
  }
  console.log(`${arrows.length} imports between ${units.length} folders, ${problems.length} against the plan`);
}
