import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "./architectures.ts";
import { elfMagic, exitProgram } from "./elf.ts";

/** Where the kernel shows its registrations of interpreters. */
export const binfmtDirectory = "/proc/sys/fs/binfmt_misc";

/** One registration, as the kernel shows it. */
export interface BinfmtEntry {
  readonly name: string;
  readonly enabled: boolean;
  readonly interpreter: string;
  /** Letters; `F`: the interpreter was opened when it was registered, so it works in every root. */
  readonly flags: string;
  readonly offset: number;
  readonly magic: Uint8Array;
  readonly mask: Uint8Array;
}

/** Parses what a file in {@link binfmtDirectory} says. `undefined` for registrations by file extension. */
export function parseBinfmtEntry(name: string, text: string): BinfmtEntry | undefined {
  const value = (field: string) => new RegExp(`^${field}:? ?(.*)$`, "m").exec(text)?.[1];
  const magic = value("magic");
  if (!magic) return undefined;
  const mask = value("mask");
  return {
    name,
    enabled: text.startsWith("enabled"),
    interpreter: value("interpreter") ?? "",
    flags: value("flags") ?? "",
    offset: Number(value("offset") ?? 0),
    magic: Buffer.from(magic, "hex"),
    mask: mask ? Buffer.from(mask, "hex") : Buffer.alloc(magic.length / 2, 0xff),
  };
}

/** The registrations by magic that `directory` shows. @throws when it cannot be read */
export function readEntries(directory: string): readonly BinfmtEntry[] {
  return readdirSync(directory)
    .filter((name) => name !== "register" && name !== "status")
    .flatMap((name) => parseBinfmtEntry(name, readFileSync(join(directory, name), "utf8")) ?? []);
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
 * The line that registers an interpreter under a name: the kernel opens it now (F), hands it the program opened (O) and with its rights (C),
 * and tells it the name that the program was called by (P).
 */
export function registration(architecture: Architecture, interpreter: string, name: string): string {
  const { magic, mask } = elfMagic(architecture.elf);
  const escape = (bytes: Uint8Array) =>
    Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return `:${name}:M::${escape(magic)}:${escape(mask)}:${interpreter}:POCF`;
}
