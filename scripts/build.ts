/**
 * Bundles the programs into dist/.
 *
 *   bin/node scripts/build.ts [--metafile]
 *
 * Each program becomes CommonJS, which Node loads faster than modules, and clients are cut into chunks: what a command
 * imports with `await import(…)` stays on disk until that command runs. esbuild splits only modules, so modules are split
 * first and then each chunk is turned into CommonJS; there, what it imports (chunks, and Node's own modules, of which some take
 * longer than all of ours) is loaded when it is first used, not when the chunk is. With --metafile, dist/meta*.json tell what fills each file.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Metafile, type Plugin, build, transform } from "esbuild";
import { writeCodeCaches } from "./code-cache.ts";

interface Program {
  readonly output: string;
  /** What lives on is whole from its first line on, so that replacing dist/ does not pull anything from under it. */
  readonly lives: "shortly" | "on";
  readonly entries: readonly string[];
}

/** Where an entry may stand is a list: the first that exists is taken. */
const programs: readonly Program[] = [
  { output: "polyarch", lives: "shortly", entries: ["src/main/polyarch.ts"] },
  { output: "buildctl", lives: "shortly", entries: ["src/main/buildctl.ts"] },
  { output: "polyarchd", lives: "on", entries: ["src/main/polyarchd.ts"] },
  { output: "byte-worker", lives: "on", entries: ["src/engine/bytes/main.ts"] },
  { output: "spawner", lives: "on", entries: ["src/base/process/main.ts"] },
];

/**
 * `await import("undici")`, a CommonJS package, has undici's names as exports in Node, but in esbuild's chunks only `default`.
 * So such an import gets a module between, which spells out the names.
 */
const namedExports: Plugin = {
  name: "named-exports",
  setup(build) {
    build.onResolve({ filter: /^[a-z@]/ }, ({ kind, path, resolveDir }) => {
      if (kind !== "dynamic-import" || path.startsWith("node:")) return undefined;
      return { path, namespace: "named-exports", pluginData: { resolveDir } };
    });
    build.onLoad({ filter: /.*/, namespace: "named-exports" }, async ({ path, pluginData }) => {
      const names = Object.keys((await import(path)) as object).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name));
      const resolveDir = (pluginData as { resolveDir: string }).resolveDir;
      return { contents: `export { ${names.join(", ")} } from ${JSON.stringify(path)};`, resolveDir };
    });
  },
};

/** The parts of undici that the sources import, by their names, and where they are in it. */
const undiciParts: Readonly<Record<string, string>> = {
  Agent: "lib/dispatcher/agent.js",
  EnvHttpProxyAgent: "lib/dispatcher/env-http-proxy-agent.js",
};

/**
 * undici loads all of itself: `fetch`, web sockets, caches, mocks. Two thirds of the time that takes are for things that nobody uses here, so the bundle
 * has its parts alone.
 */
const undiciInParts: Plugin = {
  name: "undici-in-parts",
  setup(build) {
    build.onResolve({ filter: /^undici$/ }, ({ resolveDir }) => {
      return { path: "undici", namespace: "undici-in-parts", pluginData: { resolveDir } };
    });
    build.onLoad({ filter: /.*/, namespace: "undici-in-parts" }, ({ pluginData }) => ({
      contents: [
        `import Dispatcher from "undici/lib/dispatcher/dispatcher.js";`,
        `import calls from "undici/lib/api/index.js";`,
        `Object.assign(Dispatcher.prototype, calls);`,
        ...Object.entries(undiciParts).map(([name, path]) => `export { default as ${name} } from "undici/${path}";`),
      ].join("\n"),
      resolveDir: (pluginData as { resolveDir: string }).resolveDir,
    }));
  },
};

/** What writes down, when the program ends, what V8 has compiled of each chunk. */
const recorder = `(name, script) => process.on("exit", () =>
  require("node:fs").writeFileSync(__dirname + "/" + codeCacheFolder + "/" + name, script.createCachedData()))`;

if (process.argv.includes("--help")) {
  console.log("usage: bin/node scripts/build.ts [--metafile]\n\nBundles the programs into dist/.");
  process.exit(0);
}
const root = join(import.meta.dirname, "..");
const missing = programs.filter((program) => entryOf(program) === undefined);
if (missing.length > 0) {
  for (const { output, entries } of missing) console.error(`missing: ${entries.join(" or ")}, for dist/${output}.cjs`);
  process.exit(1);
}
const started = performance.now();
const fresh = join(root, `dist.${process.pid}`);
await mkdir(fresh, { recursive: true });
try {
  const files = await bundle(fresh);
  await rm(join(root, "dist"), { recursive: true, force: true });
  await rename(fresh, join(root, "dist"));
  const sizes = files.map(({ name, bytes }) => `${name} ${Math.round(bytes / 1024)} KB`);
  console.log(`dist/: ${sizes.join(", ")} in ${Math.round(performance.now() - started)} ms`);
} catch (error) {
  if (!(error instanceof Error && "errors" in error)) throw error; // esbuild has already said what it found
  process.exitCode = 1;
} finally {
  await rm(fresh, { recursive: true, force: true });
}

function entryOf(program: Program): string | undefined {
  return program.entries.map((entry) => join(root, entry)).find((entry) => existsSync(entry));
}

/** Programs of a kind go into one build, so that they share chunks; the others are one file each. */
async function bundle(directory: string): Promise<{ name: string; bytes: number }[]> {
  const short = programs.filter(({ lives }) => lives === "shortly");
  const builds = [short, ...programs.filter(({ lives }) => lives === "on").map((program) => [program])];
  const files = [];
  for (const together of builds) files.push(...(await bundleTogether(directory, together, together === short)));
  return files;
}

async function bundleTogether(
  directory: string,
  together: readonly Program[],
  splitting: boolean,
): Promise<{ name: string; bytes: number }[]> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(together.map((program) => [program.output, entryOf(program) ?? ""])),
    outdir: directory,
    outExtension: { ".js": ".cjs" },
    chunkNames: "chunk-[hash]",
    bundle: true,
    splitting,
    format: "esm",
    platform: "node",
    target: "node26",
    minifySyntax: true,
    metafile: true,
    write: false,
    logLevel: "error",
    legalComments: "none",
    plugins: [undiciInParts, namedExports],
  });
  const files = [];
  const mains = new Map<string, string>();
  for (const output of result.outputFiles) {
    const { code } = await transform(output.text, {
      loader: "js",
      format: "cjs",
      platform: "node",
      target: "node26",
      supported: { "dynamic-import": false },
      define: { "import.meta.url": "importMetaUrl" },
      minifyWhitespace: true,
      logLevel: "error",
    });
    const name = basename(output.path);
    const head = /\bimportMetaUrl\b/.test(code)
      ? 'const importMetaUrl=require("node:url").pathToFileURL(__filename).href;'
      : "";
    const body = code.replace(/^"use strict";/, "");
    const text = `"use strict";${head}${splitting ? loadedWhenUsed(body) : body}`;
    const isEntry = !name.startsWith("chunk-");
    if (isEntry) files.push({ name, bytes: total(result.metafile, output.path) });
    if (splitting && isEntry) {
      const main = name.replace(/\.cjs$/, `-${createHash("sha256").update(text).digest("hex").slice(0, 8)}.cjs`);
      mains.set(name, main);
      await writeFile(join(directory, name), await starterOf(main));
      await writeFile(join(directory, main), text);
    } else await writeFile(join(directory, name), text);
  }
  const client = mains.get("polyarch.cjs");
  if (client !== undefined) await writeCodeCaches(directory, await starterOf(client, recorder));
  if (process.argv.includes("--metafile")) {
    const name = splitting ? "meta.json" : `meta-${together[0]?.output}.json`;
    await writeFile(join(directory, name), JSON.stringify(result.metafile));
  }
  return files;
}

/** The text of a program that only loads its chunks. */
async function starterOf(main: string, onCompiled = "undefined"): Promise<string> {
  const result = await build({
    stdin: {
      contents: `import { codeCacheFolder, loadProgram } from "./load-program.ts"; loadProgram(__dirname, "${main}", ${onCompiled});`,
      resolveDir: join(root, "src/main"),
      loader: "ts",
    },
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node26",
    minifySyntax: true,
    minifyWhitespace: true,
    write: false,
    logLevel: "error",
  });
  return result.outputFiles[0]?.text ?? "";
}

/**
 * Code whose `require`s wait until something of the module is used. None of our modules does anything when it is loaded that others
 * wait for (package.json says so: "sideEffects": false). Who looks at `errno` does it before anything that another module exports.
 */
function loadedWhenUsed(code: string): string {
  const names = new Set<string>();
  const declared = code.replaceAll(/\bvar (import_\w+)=require\(("[^"]+")\);/g, (_, name: string, path: string) => {
    names.add(name);
    return `let ${name}$;const ${name}$$=()=>${name}$??=require(${path});`;
  });
  return declared.replaceAll(/\bimport_\w+\b(?!\$)/g, (name) => (names.has(name) ? `(${name}$$())` : name));
}

/** The bytes that are loaded before a program's first line runs. */
function total(metafile: Metafile, entry: string): number {
  const outputs = metafile.outputs;
  const find = (path: string) => Object.keys(outputs).find((name) => basename(name) === basename(path)) ?? path;
  const seen = new Set<string>();
  const visit = (path: string): number => {
    const name = find(path);
    if (seen.has(name)) return 0;
    seen.add(name);
    const output = outputs[name];
    const eager = output?.imports.filter((i) => i.kind === "import-statement" && i.external !== true) ?? [];
    return (output?.bytes ?? 0) + eager.reduce((sum, i) => sum + visit(i.path), 0);
  };
  return visit(entry);
}
