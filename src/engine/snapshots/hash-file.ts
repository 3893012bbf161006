import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { createHash, hash } from "node:crypto";
import { BuildError } from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import { pathForSystem } from "../../tar/mod.ts";

/** What a file held, and as of when: the same stat before and after reading. */
export interface HashedFile {
  readonly digest: Digest;
  readonly size: number;
  readonly ino: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** O_NOATIME would need ownership; links are never followed: what is hashed is what was found. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const attempts = 5;
let scratch: Buffer | undefined;

/**
 * The digest of a regular file. A file that changes while it is read is read again, a few times.
 * @param check called between pieces of a large file; throws to stop
 * @throws {BuildError} `aborted` when it never stays the same for as long as reading takes
 */
export function hashFile(path: string, check: () => void): HashedFile {
  const fd = openSync(pathForSystem(path), readFlags);
  try {
    let before = fstatSync(fd, { bigint: true });
    if (!before.isFile()) throw new BuildError("failed_precondition", `Cannot read "${path}": not a regular file`);
    for (let attempt = 0; attempt < attempts; attempt++) {
      const { digest, size } = digestOfDescriptor(fd, check);
      const after = fstatSync(fd, { bigint: true });
      if (after.ctimeNs === before.ctimeNs && after.mtimeNs === before.mtimeNs && after.size === BigInt(size)) {
        return { digest, size, ino: after.ino, mtimeNs: after.mtimeNs, ctimeNs: after.ctimeNs };
      }
      before = after;
    }
    throw new BuildError("aborted", `Cannot read "${path}": it keeps changing`);
  } finally {
    closeSync(fd);
  }
}

function digestOfDescriptor(fd: number, check: () => void): { digest: Digest; size: number } {
  scratch ??= Buffer.allocUnsafeSlow(1024 * 1024);
  let size = readSync(fd, scratch, 0, scratch.length, 0);
  if (size < scratch.length) {
    // Most files end here: a single read and a single call.
    return { digest: `sha256:${hash("sha256", scratch.subarray(0, size))}` as Digest, size };
  }
  const digest = createHash("sha256").update(scratch);
  for (;;) {
    check();
    const got = readSync(fd, scratch, 0, scratch.length, size);
    if (got === 0) break;
    digest.update(scratch.subarray(0, got));
    size += got;
  }
  return { digest: `sha256:${digest.digest("hex")}` as Digest, size };
}
