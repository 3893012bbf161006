import { isSystemError } from "../../../base/sys/mod.ts";
import { hashFile } from "../../snapshots/mod.ts";
import type { FileDigest, JobContext, Jobs } from "../jobs.ts";

/** @see Jobs.hash */
export function hash({ root, paths }: Jobs["hash"]["input"], context: JobContext): readonly (FileDigest | undefined)[] {
  return paths.map((path) => {
    context.check();
    try {
      const { digest, size } = hashFile(`${root}/${path}`, context.check);
      return { digest, size };
    } catch (error) {
      // Gone, or no longer a file: the caller finds out what is there instead.
      if (isSystemError(error, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO")) return undefined;
      throw error;
    }
  });
}
