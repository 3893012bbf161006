import { basename, delimiter, join } from "node:path";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import { type Architecture, architectures } from "./architectures.ts";
import { type Emulator, installedEmulators } from "./qemu.ts";
import type { BinfmtTable } from "./table.ts";

/** What became of one thing that was asked for. */
export interface Change {
  /** As people asked for it, or what it is called in the table. */
  readonly name: string;
  /** `OK`, or why not. */
  readonly outcome: string;
  /** Whether people have to do something about it; what was as wanted before is no failure. */
  readonly failed: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The architectures that `--install` names: `arm64`, `linux/arm64`, `aarch64`, several with commas; `all`: every one that has an emulator
 * and does not run yet.
 * @param supported what runs already, as platforms
 * @throws {BuildError} `invalid_argument` for an architecture that nobody knows, so that nothing is registered of a list with a mistake in it
 */
export function toInstall(text: string, supported: readonly string[], env: Env): readonly string[] {
  if (text !== "all") {
    const names = text.split(",").filter(Boolean).map(architectureName);
    const unknown = names.find((name) => !architectures.some((architecture) => architecture.name === name));
    if (unknown !== undefined) throw new BuildError("invalid_argument", unsupported(unknown));
    return names;
  }
  const known = new Set(supported.map((platform) => platform.split("/")[1]));
  return architectures
    .filter((architecture) => !known.has(architecture.name) && findEmulator(architecture, env))
    .map(({ name }) => name);
}

/** The registrations that `--uninstall` names: architectures, platforms, names, or patterns with `*` and `?`; a pattern that nothing fits stays. */
export function toUninstall(text: string, names: readonly string[]): readonly string[] {
  return text
    .split(",")
    .filter(Boolean)
    .flatMap((part) => {
      const architecture = architectures.find(({ name }) => name === architectureName(part));
      const wanted = architecture?.qemu ?? part;
      const pattern = new RegExp(`^${RegExp.escape(wanted).replaceAll("\\*", ".*").replaceAll("\\?", ".")}$`);
      const matching = names.filter((name) => pattern.test(name) || name.endsWith(`-${wanted}`));
      return matching.length > 0 ? matching : [wanted];
    });
}

/** Registers the installed emulator of an architecture, one of {@link toInstall}'s, with the machine. */
export function install(table: BinfmtTable, name: string, env: Env): Change {
  const architecture = architectures.find((candidate) => candidate.name === name);
  if (!architecture) throw new Error(`Internal error: ${unsupported(name)}`);
  try {
    const emulator = findEmulator(architecture, env);
    if (!emulator) return { name, outcome: missing(architecture, env), failed: true };
    const { prefix } = wantedBinary(env);
    table.register(architecture, emulator.path, `${prefix}qemu-${architecture.qemu}`);
    return { name, outcome: "OK", failed: false };
  } catch (error) {
    return {
      name,
      outcome: messageOf(error),
      failed: !(error instanceof BuildError && error.code === "already_exists"),
    };
  }
}

/** Takes a registration away. */
export function uninstall(table: BinfmtTable, name: string): Change {
  if (!table.names().includes(name)) {
    const isKnown = /[*?]|\bqemu-/.test(name) || architectures.some(({ qemu }) => qemu === name);
    return isKnown
      ? { name, outcome: "not found", failed: false }
      : { name, outcome: `not found: ${unsupported(name)}`, failed: true };
  }
  try {
    table.remove(name);
    return { name, outcome: "OK", failed: false };
  } catch (error) {
    return { name, outcome: messageOf(error), failed: true };
  }
}

function unsupported(name: string): string {
  return `unsupported architecture: ${name}: there are ${architectures.map((known) => known.name).join(", ")}`;
}

const spellings: Readonly<Record<string, string>> = {
  aarch64: "arm64",
  x86_64: "amd64",
  "x86-64": "amd64",
  i386: "386",
  armhf: "arm",
  armel: "arm",
};

/** `linux/arm/v7` and `arm` are the same to an emulator. */
function architectureName(text: string): string {
  const parts = text.toLowerCase().split("/");
  const name = parts.length > 1 ? (parts[1] as string) : text;
  return spellings[name] ?? name;
}

/** Where people say that emulators are, and what their names begin with: the variables that tonistiigi/binfmt knows. */
function wantedBinary({ QEMU_BINARY_PATH: directory, QEMU_BINARY_PREFIX: prefix = "" }: Env): {
  readonly directory: string | undefined;
  readonly prefix: string;
} {
  if (prefix.includes("/")) {
    throw new BuildError(
      "invalid_argument",
      "binary prefix must not contain path separator (Hint: set $QEMU_BINARY_PATH to specify the directory)",
    );
  }
  return { directory: directory || undefined, prefix };
}

function findEmulator(architecture: Architecture, env: Env): Emulator | undefined {
  const { directory, prefix } = wantedBinary(env);
  const path = directory ?? [env.PATH ?? "", "/usr/sbin", "/usr/bin"].join(delimiter);
  const [found] = installedEmulators([architecture], path, { prefix, only: directory !== undefined });
  return found;
}

function missing(architecture: Architecture, env: Env): string {
  const { directory, prefix } = wantedBinary(env);
  const program = basename(`${prefix}qemu-${architecture.qemu}-static`);
  if (directory !== undefined) return `no statically linked emulator ${join(directory, program)}`;
  return `no statically linked emulator found: install ${program} (Debian, Ubuntu: apt-get install qemu-user-static)`;
}
