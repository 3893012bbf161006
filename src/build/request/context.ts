import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { BuildError } from "../../base/errors/mod.ts";

/** The two directories that a build reads, and the Dockerfile's name in the second. */
export interface LocalContext {
  readonly context: string;
  readonly dockerfileDirectory: string;
  readonly filename: string;
}

const gitPattern =
  /^(?:git:\/\/|git@|ssh:\/\/|github\.com\/)|^https?:\/\/[^#?]*\.git(?:$|[#?])|^https?:\/\/[^#]*[?&](?:ref|branch|tag|commit)=/;

/**
 * Finds the context and the Dockerfile on disk.
 * @throws {BuildError} `invalid_argument`, with docker buildx's words, when they are not there; `unimplemented` for contexts that are elsewhere
 */
export async function locateContext(
  options: { readonly context: string; readonly dockerfile: string },
  cwd: string,
): Promise<LocalContext> {
  refuseElsewhere(options);
  if (options.context === "") {
    throw new BuildError("invalid_argument", 'please specify build context (e.g. "." for the current directory)');
  }
  const context = resolve(cwd, options.context);
  if (!(await isDirectory(context))) {
    throw new BuildError(
      "invalid_argument",
      `unable to prepare context: path ${JSON.stringify(options.context)} not found`,
    );
  }
  if (options.dockerfile !== "") {
    const path = resolve(cwd, options.dockerfile);
    if (!(await exists(path))) throw noDockerfile(options.dockerfile);
    return { context, dockerfileDirectory: dirname(path), filename: basename(path) };
  }
  // Whoever wrote the name in small letters is understood, but the usual spelling wins.
  const lowerCase = !(await exists(join(context, "Dockerfile"))) && (await exists(join(context, "dockerfile")));
  return { context, dockerfileDirectory: context, filename: lowerCase ? "dockerfile" : "Dockerfile" };
}

function refuseElsewhere({ context, dockerfile }: { readonly context: string; readonly dockerfile: string }): void {
  const refuse = (what: string, instead: string): never => {
    throw new BuildError("unimplemented", `${what} is not supported yet: ${instead}`);
  };
  if (context === "-" && dockerfile === "-") {
    throw new BuildError("invalid_argument", "invalid argument: can't use stdin for both build context and dockerfile");
  }
  if (context === "-") refuse("a build context on stdin", "unpack it into a directory and name that");
  if (dockerfile === "-") refuse("a Dockerfile on stdin", "save it to a file and name that with --file");
  if (gitPattern.test(context))
    refuse(`the git context ${JSON.stringify(context)}`, "clone the repository and name the directory");
  if (/^https?:\/\//.test(context))
    refuse(`the http context ${JSON.stringify(context)}`, "download and unpack it, and name the directory");
  if (/^https?:\/\//.test(dockerfile))
    refuse(`the Dockerfile at ${JSON.stringify(dockerfile)}`, "download it and name the file");
}

function noDockerfile(path: string): BuildError {
  return new BuildError("invalid_argument", `failed to read dockerfile: open ${path}: no such file or directory`);
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
