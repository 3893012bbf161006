import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import { isSystemError, mountFs, unmount } from "../base/sys/mod.ts";
import type { Architecture } from "./architectures.ts";
import { registration } from "./entry.ts";

/** The kernel's table of interpreters, of the whole machine. Opened, it is mounted; disposed of, only if it was before or was changed. */
export class BinfmtTable implements Disposable {
  readonly #directory: string;
  #unmount: boolean;

  /** @throws {BuildError} when it is not mounted and cannot be */
  static open(directory: string): BinfmtTable {
    if (existsSync(join(directory, "status"))) return new BinfmtTable(directory, false);
    try {
      mountFs("binfmt_misc", "binfmt_misc", directory);
    } catch (cause) {
      throw new BuildError(
        isSystemError(cause, "EPERM", "EACCES") ? "permission_denied" : "failed_precondition",
        `cannot mount binfmt_misc filesystem at ${directory}: ${remedy(cause)}`,
        { cause },
      );
    }
    return new BinfmtTable(directory, true);
  }

  private constructor(directory: string, mounted: boolean) {
    this.#directory = directory;
    this.#unmount = mounted;
  }

  /** All registrations by name, those by file extension and disabled ones too. */
  names(): readonly string[] {
    return readdirSync(this.#directory).filter((name) => name !== "register" && name !== "status");
  }

  /** The names of those that are in force. */
  enabled(): readonly string[] {
    return this.names().filter((name) => readFileSync(join(this.#directory, name), "utf8").startsWith("enabled"));
  }

  /** @throws {BuildError} `already_exists` when the name is taken; when the kernel, or the user's rights, do not allow it */
  register(architecture: Architecture, interpreter: string, name: string): void {
    // Parts of a registration are separated by colons, and there is no way to write one.
    if (interpreter.includes(":")) {
      throw new BuildError("invalid_argument", `cannot register "${interpreter}": its path has a colon in it`);
    }
    const register = join(this.#directory, "register");
    try {
      writeFileSync(register, registration(architecture, interpreter, name));
    } catch (cause) {
      if (isSystemError(cause, "EEXIST")) {
        throw new BuildError("already_exists", `${name} already registered`, { cause });
      }
      const code = isSystemError(cause, "EPERM", "EACCES") ? "permission_denied" : "failed_precondition";
      throw new BuildError(code, `cannot register "${interpreter}" to ${register}: ${remedy(cause)}`, { cause });
    }
    this.#unmount = false;
  }

  /** Takes a registration away. @throws {BuildError} when the user may not */
  remove(name: string): void {
    try {
      writeFileSync(join(this.#directory, name), "-1");
    } catch (cause) {
      const code = isSystemError(cause, "EPERM", "EACCES") ? "permission_denied" : "failed_precondition";
      throw new BuildError(code, `cannot remove ${name}: ${remedy(cause)}`, { cause });
    }
  }

  [Symbol.dispose](): void {
    if (!this.#unmount) return;
    this.#unmount = false;
    unmount(this.#directory, { lazy: true });
  }
}

function remedy(cause: unknown): string {
  if (isSystemError(cause, "EPERM", "EACCES")) return "permission denied: run this as root on the machine itself";
  if (isSystemError(cause, "ENODEV")) return "this kernel has no binfmt_misc: load it with modprobe binfmt_misc";
  return messageOf(cause);
}
