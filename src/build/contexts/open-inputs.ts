import { isAbsolute, resolve } from "node:path";
import { BuildError } from "../../base/errors/mod.ts";
import { newSessionId, uploadAddress } from "../../session/mod.ts";
import { archiveStartBytes, startsLikeArchive } from "../../tar/mod.ts";
import type { BuildInputs, InputEnvironment, InputWishes } from "./inputs.ts";
import { type DockerfilePlace, dockerfileAt, dockerfileIn, isDirectory } from "./local-directory.ts";
import { offerContexts } from "./named-contexts.ts";
import { isHttpAddress, remoteContext } from "./remote-context.ts";
import { kept, peek } from "./stdin.ts";
import { fetchDockerfile, temporaryDirectory, temporaryDockerfile } from "./temporary-dockerfile.ts";

/** The main context and the Dockerfile. */
interface Main {
  readonly attrs: Readonly<Record<string, string>>;
  /** The context, where it is a directory. */
  readonly context?: string;
  /** Where the Dockerfile is, unless it is in a context that the engine fetches. */
  readonly dockerfile?: DockerfilePlace;
  readonly uploads?: BuildInputs["uploads"];
}

/** The attribute that has the frontend read the Dockerfile from this client, wherever the context is. */
const ownDockerfile = { dockerfilekey: "dockerfile" };

/**
 * Finds what a build reads, and makes ready what has to be offered to the engine. The caller disposes of the result when the build is over.
 * @throws {BuildError} `invalid_argument`, with docker buildx's words, for what is not there or cannot be meant
 */
export async function openInputs(wishes: InputWishes, environment: InputEnvironment): Promise<BuildInputs> {
  await using undo = new AsyncDisposableStack();
  const named = await offerContexts(wishes.buildContexts, environment.cwd);
  const main = await withFetchedDockerfile(await openMain(wishes, environment, undo), wishes, environment, undo);
  const { context, dockerfile, uploads = {} } = main;
  const capabilities = [
    ...(named.length > 0 ? ["moby.buildkit.frontend.contexts+forward"] : []),
    ...(named.some(({ hasGitQuery }) => hasGitQuery) ? ["moby.buildkit.frontend.gitquerystring+forward"] : []),
    ...("frontend.caps" in main.attrs ? [main.attrs["frontend.caps"] as string] : []),
  ];
  const owned = undo.move();
  return {
    attrs: {
      ...main.attrs,
      ...(dockerfile ? { filename: dockerfile.filename } : {}),
      ...Object.fromEntries(named.map(({ name, source }) => [`context:${name}`, source])),
      ...(capabilities.length > 0 ? { "frontend.caps": capabilities.join(",") } : {}),
    },
    directories: {
      ...Object.fromEntries(named.flatMap(({ directory }) => (directory ? [[directory.name, directory.path]] : []))),
      ...(context === undefined ? {} : { context }),
      ...(dockerfile ? { dockerfile: dockerfile.directory } : {}),
    },
    layouts: Object.fromEntries(named.flatMap(({ layout }) => (layout ? [[layout.name, layout.blobs]] : []))),
    uploads,
    context: wishes.context === "-" ? undefined : context,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function openMain(
  { context, dockerfile }: InputWishes,
  { cwd, stdin, severalEngines }: InputEnvironment,
  undo: AsyncDisposableStack,
): Promise<Main> {
  const fromStdin = async (bytes: AsyncIterable<Uint8Array>): Promise<DockerfilePlace> => ({
    directory: await temporaryDockerfile(bytes, "on stdin", undo),
    filename: "Dockerfile",
  });
  if (context === "") throw invalid('please specify build context (e.g. "." for the current directory)');
  if (context === "-") {
    if (dockerfile === "-") throw invalid("invalid argument: can't use stdin for both build context and dockerfile");
    const { start, all } = await peek(stdin, archiveStartBytes);
    if (startsLikeArchive(start)) {
      const id = newSessionId();
      const attrs = { context: uploadAddress(id), filename: dockerfile || "Dockerfile" };
      return { attrs, uploads: { [id]: severalEngines ? await kept(all, undo) : () => all } };
    }
    if (dockerfile !== "") {
      throw invalid("ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles");
    }
    const attrs = ownDockerfile;
    return { attrs, context: await temporaryDirectory(undo), dockerfile: await fromStdin(all) };
  }
  const directory = resolve(cwd, context);
  if (await isDirectory(directory)) {
    if (dockerfile === "-") {
      return { attrs: ownDockerfile, context: directory, dockerfile: await fromStdin((await peek(stdin, 0)).all) };
    }
    if (isHttpAddress(dockerfile)) return { attrs: {}, context: directory };
    const place = dockerfile === "" ? await dockerfileIn(directory) : await dockerfileAt(dockerfile, cwd);
    return { attrs: {}, context: directory, dockerfile: place };
  }
  const remote = remoteContext(context);
  if (!remote) throw invalid(`unable to prepare context: path ${JSON.stringify(context)} not found`);
  const attrs = {
    context,
    ...(remote.hasGitQuery ? { "frontend.caps": "moby.buildkit.frontend.gitquerystring" } : {}),
  };
  if (dockerfile === "-") {
    return { attrs: { ...attrs, ...ownDockerfile }, dockerfile: await fromStdin((await peek(stdin, 0)).all) };
  }
  if (isAbsolute(dockerfile)) {
    return { attrs: { ...attrs, ...ownDockerfile }, dockerfile: await dockerfileAt(dockerfile, cwd) };
  }
  return { attrs: { ...attrs, filename: dockerfile || "Dockerfile" } };
}

/** A Dockerfile at an address goes before whatever the context has. */
async function withFetchedDockerfile(
  main: Main,
  { dockerfile }: InputWishes,
  { signal }: InputEnvironment,
  undo: AsyncDisposableStack,
): Promise<Main> {
  if (!isHttpAddress(dockerfile)) return main;
  const directory = await fetchDockerfile(dockerfile, undo, { signal });
  return { ...main, attrs: { ...main.attrs, ...ownDockerfile }, dockerfile: { directory, filename: "Dockerfile" } };
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
