import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../../base/errors/mod.ts";
import { makeDirectory } from "../../base/files/mod.ts";
import { isSystemError, mountOverlay, unmount } from "../../base/sys/mod.ts";

/**
 * Looks whether the file system below `root` can hold what builds write, which goes on top of layers by overlayfs. Where nothing may be mounted at
 * all, nothing is said: there builds tell it that need it.
 * @throws {BuildError} `failed_precondition`
 */
export async function checkRoot(root: string): Promise<void> {
  const probe = await mkdtemp(join(root, "probe-"));
  try {
    const [lower = "", upper = "", work = "", target = ""] = ["lower", "upper", "work", "target"].map((name) =>
      join(probe, name),
    );
    for (const directory of [lower, upper, work, target]) await makeDirectory(directory, { mode: 0o700 });
    mountOverlay({ lower: [lower], upper, work, target });
    unmount(target, { lazy: true });
  } catch (cause) {
    if (!isSystemError(cause, "EINVAL", "EOPNOTSUPP")) return;
    throw new BuildError(
      "failed_precondition",
      `the file system of ${root} cannot be written to through overlayfs (it is one itself, or lacks what that needs): choose a state directory on another one with --root, for instance on ext4, xfs or a volume`,
      { cause },
    );
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}
