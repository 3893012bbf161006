/**
 * Generates src/api/gen from proto/. Its output is committed, so that nobody needs protoc to work on Polyarch.
 *
 *   npm run gen:api             write src/api/gen anew
 *   npm run gen:api -- --check  fail when src/api/gen is not what proto/ says
 *
 * Needs protoc and its well-known types (Debian: protobuf-compiler libprotobuf-dev).
 */
import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const protoDir = join(root, "proto");
const outDir = join(root, "src/api/gen");

/** Runs protoc on every file of proto/ and puts the TypeScript into `target`. */
function generate(target: string): void {
  const files = globSync("**/*.proto", { cwd: protoDir }).sort();
  const plugin = join(root, "node_modules/.bin/protoc-gen-es");
  try {
    execFileSync(
      "protoc",
      [
        `--proto_path=${protoDir}`,
        `--plugin=protoc-gen-es=${plugin}`,
        `--es_out=${target}`,
        "--es_opt=target=ts,import_extension=ts,erasable_syntax=true",
        ...files,
      ],
      { stdio: "inherit" },
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    console.error("gen-api: protoc is missing. Debian: apt-get install protobuf-compiler libprotobuf-dev");
    process.exit(1);
  }
}

/** Paths and contents of the generated files below `dir`. */
function contentsOf(dir: string): Map<string, string> {
  return new Map(globSync("**/*.ts", { cwd: dir }).map((path) => [path, readFileSync(join(dir, path), "utf8")]));
}

const flags = process.argv.slice(2);
const unknown = flags.find((flag) => flag !== "--check" && flag !== "--help");
if (unknown !== undefined || flags.includes("--help")) {
  if (unknown !== undefined) console.error(`gen-api: unknown flag: ${unknown}`);
  console.log("Usage: npm run gen:api [-- --check]\nGenerates src/api/gen from proto/; --check only compares.");
  process.exit(unknown === undefined ? 0 : 1);
}

const fresh = mkdtempSync(join(tmpdir(), "gen-api-"));
try {
  generate(fresh);
  const want = contentsOf(fresh);
  const have = contentsOf(outDir);
  const stale = [...new Set([...want.keys(), ...have.keys()])]
    .filter((path) => want.get(path) !== have.get(path))
    .sort();
  if (flags.includes("--check")) {
    for (const path of stale)
      console.error(`gen-api: src/api/gen/${path} is not what proto/ says; run npm run gen:api`);
    process.exitCode = stale.length === 0 ? 0 : 1;
  } else {
    rmSync(outDir, { recursive: true, force: true });
    cpSync(fresh, outDir, { recursive: true });
    console.log(`gen-api: ${want.size} files, ${stale.length} changed`);
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
