import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectorySync } from "../../../base/files/mod.ts";
import { SingleFlight } from "../../../base/async/mod.ts";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import type { Spawner } from "../../../base/process/mod.ts";
import {
  type Architecture,
  amd64Variants,
  architectures,
  entryFor,
  exitProgram,
  installedEmulators,
} from "../../../binfmt/mod.ts";
import { currentPlatform, formatPlatform, normalizePlatform, type Platform, platformsEqual } from "../../../oci/mod.ts";
import type { RunnablePlatform } from "../executor.ts";
import { EmulatorNamespace } from "./holder.ts";
import { machineEntries } from "./machine.ts";

/** How a process of some platform runs here. */
export interface RunPlan {
  readonly how: RunnablePlatform["how"];
  /** A user namespace to join, where the emulator is registered. */
  readonly userNamespace: string | undefined;
}

const usualMaxAgeMs = 20_000;

/**
 * Which platforms run on this machine, found out by running a tiny program of each architecture: natively, through what is registered with the machine
 * (binfmt_misc), or through emulators that are merely installed, which are then registered in a namespace of our own.
 */
export class Emulators implements AsyncDisposable {
  readonly #directory: string;
  readonly #spawner: Spawner;
  readonly #path: string;
  readonly #machineEmulators: boolean;
  readonly #maxAgeMs: number;
  readonly #flights = new SingleFlight<"probe", readonly RunnablePlatform[]>();
  #known: { readonly at: number; readonly platforms: readonly RunnablePlatform[] } | undefined;
  #namespace: EmulatorNamespace | undefined;
  /** Emulators that work in the namespace, by the version of their file. */
  readonly #registered = new Map<string, { readonly version: string; readonly works: boolean }>();
  #namespaceFailure = "";

  /**
   * @param options.machineEmulators whether what is registered with the machine may be used
   * @param options.maxAgeMs for how long answers are good; negative: for ever; undefined: 20 s
   */
  constructor(options: {
    readonly directory: string;
    readonly spawner: Spawner;
    readonly path: string;
    readonly machineEmulators: boolean;
    readonly maxAgeMs?: number | undefined;
  }) {
    const { maxAgeMs = usualMaxAgeMs } = options;
    this.#maxAgeMs = maxAgeMs < 0 ? Number.POSITIVE_INFINITY : maxAgeMs;
    this.#machineEmulators = options.machineEmulators;
    this.#directory = options.directory;
    this.#spawner = options.spawner;
    this.#path = options.path;
    makeDirectorySync(options.directory);
  }

  /** What runs here, native first. Found out again when too old. */
  async platforms(): Promise<readonly RunnablePlatform[]> {
    if (this.#known && performance.now() - this.#known.at < this.#maxAgeMs) return this.#known.platforms;
    return await this.#flights.run("probe", async () => {
      const platforms = await this.#probe();
      this.#known = { at: performance.now(), platforms };
      return platforms;
    });
  }

  /**
   * How to run a process of `platform`.
   * @throws {BuildError} `failed_precondition` when nothing here can
   */
  async plan(platform: Platform): Promise<RunPlan> {
    const wanted = normalizePlatform(platform);
    // The common case must not wait for probes of other architectures.
    if (nativePlatforms().some((native) => fits(native, wanted))) return { how: "native", userNamespace: undefined };
    const platforms = await this.platforms();
    const found = platforms.find((runnable) => fits(runnable.platform, wanted));
    if (!found) throw this.#cannotRun(wanted, platforms);
    return { how: found.how, userNamespace: found.how === "private" ? this.#namespace?.path : undefined };
  }

  /** Makes the next question look again. */
  forget(): void {
    this.#known = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespace?.[Symbol.asyncDispose]();
  }

  async #probe(): Promise<readonly RunnablePlatform[]> {
    const native = nativePlatforms();
    const others = architectures.filter(({ name }) => name !== native[0]?.architecture);
    const entries = machineEntries();
    const onMachine = await Promise.all(
      others.map(async (architecture): Promise<RunnablePlatform["how"] | undefined> => {
        const entry = entryFor(architecture, entries);
        // Without F the interpreter would have to be in the container's root.
        if (entry && !(this.#machineEmulators && entry.flags.includes("F"))) return undefined;
        if (!(await this.#runs(architecture))) return undefined;
        return entry ? "binfmt" : "native";
      }),
    );
    const missing = others.filter((_, index) => onMachine[index] === undefined);
    const inNamespace = await this.#register(missing);
    const found = others.flatMap((architecture, index): RunnablePlatform[] => {
      const how = onMachine[index] ?? (inNamespace.has(architecture.name) ? "private" : undefined);
      return how === undefined ? [] : platformsOf(architecture).map((platform) => ({ platform, how }));
    });
    return [...native.map((platform) => ({ platform, how: "native" as const })), ...found];
  }

  /** Registers what is installed in our own namespace. @returns names of architectures that work there */
  async #register(wanted: readonly Architecture[]): Promise<ReadonlySet<string>> {
    const emulators = installedEmulators(wanted, this.#path);
    const works = new Set<string>();
    if (emulators.length === 0) return works;
    try {
      this.#namespace ??= await EmulatorNamespace.open(this.#spawner);
      for (const emulator of emulators) {
        const { architecture, version } = emulator;
        const known = this.#registered.get(architecture.name);
        const usable =
          known?.version === version
            ? known.works
            : await this.#namespace.register(emulator, this.#program(architecture));
        this.#registered.set(architecture.name, { version, works: usable });
        if (usable) works.add(architecture.name);
      }
    } catch (error) {
      this.#namespaceFailure = messageOf(error);
      this.#registered.clear();
      await this.#namespace?.[Symbol.asyncDispose]();
      this.#namespace = undefined;
      works.clear();
    }
    return works;
  }

  async #runs(architecture: Architecture): Promise<boolean> {
    try {
      return (await this.#spawner.spawn(this.#program(architecture), [])).code === 0;
    } catch {
      return false; // ENOEXEC
    }
  }

  #program(architecture: Architecture): string {
    const path = join(this.#directory, `exit-${architecture.name}`);
    writeFileSync(path, exitProgram(architecture), { mode: 0o755 });
    return path;
  }

  #cannotRun(wanted: Platform, platforms: readonly RunnablePlatform[]): BuildError {
    const native = formatPlatform(currentPlatform());
    const name = formatPlatform(wanted);
    const supported = platforms.map(({ platform }) => formatPlatform(platform)).join(", ");
    if (wanted.os === "linux" && wanted.architecture === currentPlatform().architecture) {
      return new BuildError(
        "failed_precondition",
        `no support for running processes with ${name} platform, supported: ${supported}`,
      );
    }
    const architecture = architectures.find(({ name: known }) => known === wanted.architecture);
    const why = `exec format error: cannot run a process of ${name} on this machine (${native})`;
    if (wanted.os !== "linux" || !architecture)
      return new BuildError("failed_precondition", `${why}, supported: ${supported}`);
    const installed = installedEmulators([architecture], this.#path)[0];
    const remedy = installed
      ? `${installed.path} is installed but does not work${this.#namespaceFailure && ` (${this.#namespaceFailure})`}; register an emulator with the machine (binfmt_misc, flag F)`
      : `install the emulator qemu-${architecture.qemu}-static (Debian, Ubuntu: apt-get install qemu-user-static)`;
    return new BuildError(
      "failed_precondition",
      `${why}: no emulator for it; ${remedy}, or use a builder with a ${name} machine. Supported: ${supported}`,
    );
  }
}

// Processors do not change while we run, and the kernel needs long to describe them.
let native: readonly Platform[] | undefined;

function nativePlatforms(): readonly Platform[] {
  native ??= findNativePlatforms();
  return native;
}

function findNativePlatforms(): readonly Platform[] {
  const platform = currentPlatform();
  if (platform.architecture !== "amd64") return [platform];
  const variants = amd64Variants(readFileSync("/proc/cpuinfo", "utf8"));
  return [platform, ...variants.map((variant) => ({ ...platform, variant }))];
}

function platformsOf({ name, variants }: Architecture): readonly Platform[] {
  if (!variants) return [{ os: "linux", architecture: name }];
  return variants.map((variant) => ({ os: "linux", architecture: name, variant }));
}

/** Whether what runs here is what is wanted. Versions of arm64 are taken on trust: QEMU and most machines run them all. */
function fits(runnable: Platform, wanted: Platform): boolean {
  if (wanted.architecture === "arm64" && runnable.architecture === "arm64") return wanted.os === runnable.os;
  return platformsEqual(
    {
      os: runnable.os,
      architecture: runnable.architecture,
      ...(runnable.variant ? { variant: runnable.variant } : {}),
    },
    wanted,
  );
}
