import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mountFs } from "../../../base/sys/mod.ts";
import { inOwnMountNamespace } from "../mount-namespace.ts";
import type { Architecture } from "./architectures.ts";
import { elfMagic, exitProgram } from "./elf.ts";

/** Where the kernel shows its registrations of interpreters. */
export const binfmtDirectory = "/proc/sys/fs/binfmt_misc";

/** One registration, as the kernel shows it. */
export interface BinfmtEntry {
  readonly enabled: boolean;
  readonly interpreter: string;
  /** Letters; `F`: the interpreter was opened when it was registered, so it works in every root. */
  readonly flags: string;
  readonly offset: number;
  readonly magic: Uint8Array;
  readonly mask: Uint8Array;
}

/** Parses what a file in {@link binfmtDirectory} says. `undefined` for registrations by file extension. */
export function parseBinfmtEntry(text: string): BinfmtEntry | undefined {
  const value = (name: string) => new RegExp(`^${name}:? ?(.*)$`, "m").exec(text)?.[1];
  const magic = value("magic");
  if (!magic) return undefined;
  const mask = value("mask");
  return {
    enabled: text.startsWith("enabled"),
    interpreter: value("interpreter") ?? "",
    flags: value("flags") ?? "",
    offset: Number(value("offset") ?? 0),
    magic: Buffer.from(magic, "hex"),
    mask: mask ? Buffer.from(mask, "hex") : Buffer.alloc(magic.length / 2, 0xff),
  };
}

/** The registrations of this machine; mounts their directory where it is missing, in the engine's own mount namespace. */
export function machineEntries(): readonly BinfmtEntry[] {
  try {
    if (!readdirSync(binfmtDirectory).includes("register") && inOwnMountNamespace()) {
      mountFs("binfmt_misc", "binfmt_misc", binfmtDirectory);
    }
    return readdirSync(binfmtDirectory)
      .filter((name) => name !== "register" && name !== "status")
      .flatMap((name) => parseBinfmtEntry(readFileSync(join(binfmtDirectory, name), "utf8")) ?? []);
  } catch {
    return []; // a kernel without binfmt_misc, or one that does not let us look: probing tells the rest
  }
}

/** The registration that the kernel would use for programs of an architecture. */
export function entryFor(architecture: Architecture, entries: readonly BinfmtEntry[]): BinfmtEntry | undefined {
  const program = exitProgram(architecture);
  return entries.find(
    ({ enabled, offset, magic, mask }) =>
      enabled && magic.every((byte, index) => (((program[offset + index] ?? 0) ^ byte) & (mask[index] ?? 0xff)) === 0),
  );
}

/**
 * The line that registers an interpreter: the kernel opens it now (F), hands it the program opened (O) and with its rights (C), and tells it
 * the name that the program was called by (P).
 */
export function registration(architecture: Architecture, interpreter: string): string {
  const { magic, mask } = elfMagic(architecture.elf);
  const escape = (bytes: Uint8Array) =>
    Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return `:${registrationName(architecture)}:M::${escape(magic)}:${escape(mask)}:${interpreter}:POCF`;
}

/** The name of our own registration. */
export function registrationName(architecture: Architecture): string {
  return `polyarch-${architecture.qemu}`;
}
