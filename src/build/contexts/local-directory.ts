import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { BuildError } from "../../base/errors/mod.ts";

/** Where a Dockerfile of this machine is. */
export interface DockerfilePlace {
  readonly directory: string;
  readonly filename: string;
}

/** @throws {BuildError} `failed to read dockerfile: open X: no such file or directory` */
export async function dockerfileAt(given: string, cwd: string): Promise<DockerfilePlace> {
  const path = resolve(cwd, given);
  if (!(await exists(path))) {
    const message = `failed to read dockerfile: open ${given}: no such file or directory`;
    throw new BuildError("invalid_argument", message);
  }
  if (await isDirectory(path)) {
    throw new BuildError("invalid_argument", `failed to read dockerfile: read ${given}: is a directory`);
  }
  return { directory: dirname(path), filename: basename(path) };
}

/** Whoever wrote the name in small letters is understood, but the usual spelling wins. */
export async function dockerfileIn(directory: string): Promise<DockerfilePlace> {
  const isLowerCase = !(await exists(join(directory, "Dockerfile"))) && (await exists(join(directory, "dockerfile")));
  return { directory, filename: isLowerCase ? "dockerfile" : "Dockerfile" };
}

/** Whether there is such a directory; a symlink to one counts. */
export async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
