import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "./run.ts";

const repository = join(import.meta.dirname, "..", "..");

/** A copy of the programs of this repository that every user of the machine may run, wherever the repository is. Disposed of, it is gone. */
export interface PublicPrograms extends AsyncDisposable {
  /** The client's launcher. */
  readonly polyarch: string;
}

/** Makes one: a clone of root's is often nobody else's to read. */
export async function copyPublicPrograms(): Promise<PublicPrograms> {
  const place = await mkdtemp(join(tmpdir(), "polyarch-public-"));
  const node = `node_modules/node-linux-${process.arch}/bin`;
  await mkdir(join(place, node), { recursive: true });
  for (const part of ["bin", "dist", "package.json"])
    await cp(join(repository, part), join(place, part), { recursive: true });
  await cp(process.execPath, join(place, node, "node"));
  await must("chmod", ["-R", "a+rX,u+w", place]);
  return {
    polyarch: join(place, "bin/polyarch"),
    [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }),
  };
}
