import { lgetxattr } from "./xattr.ts";
import { libc } from "./libc.ts";
import { isSystemError } from "../errors/mod.ts";
import { openInRoot } from "./files.ts";
import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";

/**
 * Notices at start what would otherwise corrupt builds later: a Node whose foreign function interface is missing, takes other signature keys
 * (such calls would silently get no arguments) or loses `errno`.
 * @throws with the reason in plain words
 */
export function selfTest(): void {
  if (libc.getppid() !== process.ppid) fail("a call without arguments gave a wrong result");
  const missing = "/proc/self/no-such-file";
  try {
    lgetxattr(missing, "user.none");
    fail("a call that must fail succeeded");
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
  }
  const root = openSync("/proc/self", constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const status = openInRoot(root, "../../status", constants.O_RDONLY);
    try {
      if (fstatSync(status, { bigint: true }).ino !== statSync("/proc/self/status", { bigint: true }).ino)
        fail("a path was resolved to the wrong file");
    } finally {
      closeSync(status);
    }
  } catch (error) {
    if (!isSystemError(error, "ENOSYS")) throw error;
  } finally {
    closeSync(root);
  }
}

function fail(what: string): never {
  throw new Error(
    `Node ${process.version} cannot call the system's C library as this program needs it (${what}): use the Node that polyarch pins`,
  );
}
