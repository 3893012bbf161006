import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { currentPlatform, formatPlatform } from "../oci/mod.ts";
import { type Architecture, architectures } from "./architectures.ts";
import { amd64Variants } from "./cpu-level.ts";
import { exitProgram } from "./elf.ts";

/**
 * The platforms whose programs this machine runs now, its own first: `linux/arm/v7`. Found out by running a tiny program of each
 * architecture.
 */
export async function supportedPlatforms(options: { signal: AbortSignal }): Promise<readonly string[]> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-platforms-"));
  try {
    const native = currentPlatform();
    const others = architectures.filter(({ name }) => name !== native.architecture);
    const works = await Promise.all(others.map((architecture) => runs(architecture, directory, options)));
    const found = others.filter((_, at) => works[at]);
    return [formatPlatform(native), ...(await nativeVariants(native.architecture)), ...found.flatMap(namesOf)];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function nativeVariants(architecture: string): Promise<readonly string[]> {
  if (architecture !== "amd64") return [];
  return amd64Variants(await readFile("/proc/cpuinfo", "utf8")).map((variant) => `linux/amd64/${variant}`);
}

function namesOf({ name, variants }: Architecture): readonly string[] {
  return variants ? variants.map((variant) => `linux/${name}/${variant}`) : [`linux/${name}`];
}

async function runs(
  architecture: Architecture,
  directory: string,
  { signal }: { signal: AbortSignal },
): Promise<boolean> {
  const program = join(directory, architecture.name);
  await writeFile(program, exitProgram(architecture), { mode: 0o755 });
  try {
    const child = spawn(program, [], { stdio: "ignore", cwd: "/", signal, timeout: 10_000 });
    const [code] = (await once(child, "close")) as [number | null];
    return code === 0;
  } catch {
    signal.throwIfAborted();
    return false; // the kernel knows nobody to run it
  }
}
