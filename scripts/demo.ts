/**
 * Builds examples/hello for seven platforms, pushes it to a local registry, inspects it, and runs each platform's image.
 *
 *   scripts/demo.sh [--keep]
 *
 * With --keep the registry stays when all is done, until Ctrl-C, so that one can go on by hand. The registry listens on
 * 127.0.0.1:5000, as the example's Dockerfile expects, or on a free port where that one is taken. Started by
 * scripts/demo.sh, which installs what is missing on the machine.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import {
  type LabRegistry,
  elfMachine,
  labPlatforms,
  polyarchProgram,
  pushBaseImages,
  readIndex,
  runUnpacked,
  startRegistry,
  unpackImage,
} from "../test/lab/mod.ts";

const usage = "usage: scripts/demo.sh [--keep]\n\nBuilds, pushes, inspects and runs one image for seven platforms.";
if (process.argv.includes("--help")) {
  console.log(usage);
  process.exit(0);
}
const expectedPort = 5000;
const example = join(import.meta.dirname, "..", "examples", "hello");

await using registry = await startOnExpectedPort();
console.log(`A registry listens on ${registry.host}; making the base image from Debian's packages`);
console.log(`Pushed ${await pushBaseImages(registry.host)}`);

const image = `${registry.host}/hello:latest`;
await show([
  "build",
  "--platform",
  labPlatforms.map(({ name }) => name).join(","),
  ...(registry.host.endsWith(`:${expectedPort}`) ? [] : ["--build-arg", `REGISTRY=${registry.host}`]),
  "--tag",
  image,
  "--push",
  example,
]);
await show(["imagetools", "inspect", image]);

console.log("\nEach platform's image, fetched by skopeo, unpacked by umoci, and run:");
const manifests = await readIndex(image);
let failed = false;
for (const platform of labPlatforms) {
  const manifest = manifests.find(
    ({ platform: p }) =>
      p.architecture === platform.architecture && (p.variant ?? platform.variant) === platform.variant,
  );
  const seen = manifest === undefined ? "is not in the image" : await runOnce(platform, manifest.digest);
  failed ||= !seen.startsWith("Hello");
  console.log(`  ${platform.name.padEnd(16)} ${seen}`);
}
if (failed) {
  console.error("ERROR: at least one platform's image does not run");
  process.exitCode = 1;
} else if (process.argv.includes("--keep")) {
  console.log(`\nThe registry stays on ${registry.host} until Ctrl-C.`);
  await new Promise<void>((resolve) => process.once("SIGINT", () => resolve()));
}

/** What the image prints, or what is wrong with it. */
async function runOnce(platform: (typeof labPlatforms)[number], digest: string): Promise<string> {
  await using unpacked = await unpackImage(`docker://${registry.host}/hello@${digest}`);
  const machine = await elfMachine(join(unpacked.rootfs, "bin/busybox"));
  if (machine !== platform.elfMachine) return `holds programs of another architecture (ELF machine ${machine})`;
  const said = (await runUnpacked(unpacked)).trim();
  const wanted = `Hello from ${platform.name}, built on ${platform.machine}, running on ${platform.machine}`;
  return said === wanted ? said : `says ${JSON.stringify(said)}, wanted ${JSON.stringify(wanted)}`;
}

async function startOnExpectedPort(): Promise<LabRegistry> {
  try {
    return await startRegistry({ port: expectedPort });
  } catch (error) {
    if (!/address already in use/.test(String(error))) throw error;
    return await startRegistry();
  }
}

/** Shows a command as one would type it, and runs it on this terminal. */
async function show(args: readonly string[]): Promise<void> {
  console.log(`\n$ polyarch ${args.map((arg) => (arg === example ? "examples/hello" : arg)).join(" ")}`);
  const child = spawn(polyarchProgram, args, { stdio: ["ignore", "inherit", "inherit"] });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  if (code !== 0) {
    await registry[Symbol.asyncDispose]();
    process.exit(code ?? 1);
  }
}
