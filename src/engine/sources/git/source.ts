import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../../base/files/mod.ts";
import type { Spawner } from "../../../base/process/mod.ts";
import { withoutLogin } from "../../../base/text/logins/mod.ts";
import type { ByteWorkers } from "../../bytes/mod.ts";
import type { Source, SourceMaterial } from "../../ops/mod.ts";
import { listenForAgent } from "../../../session/mod.ts";
import type { Ref, RefStore } from "../../refs/mod.ts";
import { decodeToc } from "../../snapshots/mod.ts";
import type { OpContext } from "../../solver/mod.ts";
import type { SourceEnvironment } from "../environment.ts";
import { checkSignature } from "./check-signature.ts";
import { checkout, commitTime } from "./checkout.ts";
import { fetchCommit } from "./fetch-commit.ts";
import { type Git, gitIn } from "./git.ts";
import { makeBundle } from "./make-bundle.ts";
import { objectFormatOf } from "./object-name.ts";
import { readObjects } from "./read-objects.ts";
import { type GitPlace, unpackBundle } from "./place.ts";
import type { GitRepositories } from "./repositories.ts";
import { type GitRequest, readRequest } from "./request.ts";
import { type ResolvedCommit, resolveRef } from "./resolve-ref.ts";

/** `git://`: the files of one commit of a repository, recognised by the commit. */
export function gitSource(options: {
  readonly refs: RefStore;
  readonly bytes: ByteWorkers;
  readonly repositories: GitRepositories;
  readonly spawner: Spawner;
  /** Where files lie while they are worked on. */
  readonly root: string;
  /** Where git is looked for, as in the environment variable PATH. */
  readonly path: string;
  readonly now: () => Date;
}): Source<SourceEnvironment> {
  const { refs, bytes, repositories, spawner, root, path, now } = options;

  /** Git with the client's logins, in a home of its own that goes away afterwards. */
  async function withGit<T>(
    request: GitRequest,
    context: SourceContext,
    work: (at: GitWorkshop) => Promise<T>,
  ): Promise<T> {
    const { environment, signal } = context;
    const home = join(root, `git.${randomUUID()}`);
    await makeDirectory(home, { mode: 0o700 });
    await using undo = new AsyncDisposableStack();
    undo.defer(() => rm(home, { recursive: true, force: true }));
    let knownHosts: string | undefined;
    if (request.knownHosts !== "") {
      knownHosts = join(home, "known_hosts");
      await writeFile(knownHosts, request.knownHosts);
    }
    const settings = await loginSettings(request, environment, signal);
    let agent: string | undefined;
    if (request.agent !== "" && environment.sshAgent) {
      const found = await environment.sshAgent(request.agent, { signal });
      const directory = join(home, "agent");
      await makeDirectory(directory);
      agent = undo.use(await listenForAgent(found, directory, { uid: 0, gid: 0, mode: 0o600 })).shortPath;
    }
    const git = gitIn({ spawner, settings, home, knownHosts, agent, path, signal });
    let place: Promise<GitPlace> | undefined;
    const { bundle, remote } = request;
    const open = () =>
      (place ??= bundle ? unpackBundle(git, bundle, home, context) : Promise.resolve({ url: remote, env: {} }));
    return await work({ git, home, place: open });
  }

  return {
    scheme: "git",
    open: ({ identifier, attrs }) => {
      const request = readRequest(identifier, attrs);
      // Each job asks the remote once, so that the key and what is fetched agree.
      const found = new WeakMap<SourceEnvironment, Promise<ResolvedCommit>>();
      const resolve = (context: SourceContext) => {
        let commit = found.get(context.environment);
        if (!commit) {
          commit = withGit(request, context, (at) => resolveSigned(at, request, context.signal));
          commit.catch(() => found.delete(context.environment));
          found.set(context.environment, commit);
        }
        return commit;
      };
      return {
        cacheMap: async (context) => {
          const found = await resolve(context);
          return { key: keyOf(request, found), material: () => materialOf(request, found, attrs) };
        },
        run: async (context) => {
          const { signal } = context;
          const commit = await resolve(context);
          return await withGit(request, context, async (at) => {
            const { git, home } = at;
            const lay = request.asBundle ? makeBundle : checkout;
            const directory = await withCommit(at, request, commit, signal, (repository) =>
              lay(git, repository, request, commit, home),
            );
            return await asTree(
              directory,
              home,
              `git snapshot for ${withoutLogin(request.given)}#${request.ref}`,
              signal,
            );
          });
        },
        facts: async (context, { objects }) => {
          const found = await resolve(context);
          const { object, commit, ref } = found;
          if (!objects) return { type: "git", object, commit, ref };
          return await withGit(request, context, (at) =>
            withCommit(at, request, found, context.signal, async (repository) => {
              const read = await readObjects(at.git, repository, object);
              return { type: "git", object, commit: read.name, ref, objects: read };
            }),
          );
        },
        time: async (context) => {
          const commit = await resolve(context);
          return await withGit(request, context, (at) =>
            withCommit(at, request, commit, context.signal, (repository) =>
              commitTime(at.git, repository, commit.commit),
            ),
          );
        },
      };
    },
  };

  /** What the request means, when that is signed as it must be. */
  async function resolveSigned(at: GitWorkshop, request: GitRequest, signal: AbortSignal): Promise<ResolvedCommit> {
    const found = await resolveRef(at.git, request, at.place);
    const { signature } = request;
    if (signature) {
      await withCommit(at, request, found, signal, (repository) =>
        checkSignature(at.git, repository, found, signature, now()),
      );
    }
    return found;
  }

  async function withCommit<T>(
    { git, place }: GitWorkshop,
    request: GitRequest,
    commit: ResolvedCommit,
    signal: AbortSignal,
    work: (repository: string) => Promise<T>,
  ): Promise<T> {
    const format = objectFormatOf(commit.commit);
    return await repositories.with({ remote: request.given, format, git, signal }, async (repository) => {
      await fetchCommit(git, repository, request, commit, place);
      return await work(repository);
    });
  }

  async function asTree(directory: string, home: string, description: string, signal: AbortSignal): Promise<Ref> {
    const walked = await bytes.run("walk", { root: directory, filter: {}, indexFile: join(home, "index") }, { signal });
    if (walked.unchanged) throw new Error("Internal error: nothing changed since a walk that was never made");
    const toc = decodeToc(walked.toc, (path) => ({ kind: "range", file: `${directory}/${path}`, offsetBytes: 0 }));
    const entries = toc.entries.map((entry) => ({ ...entry, uid: 0, gid: 0 }));
    const empty = refs.scratch();
    try {
      return (await refs.writeLayer(empty, { ...toc, entries }, { signal, description, origin: "git" })).ref;
    } finally {
      await empty.release();
    }
  }
}

type SourceContext = OpContext<SourceEnvironment>;

/** What there is to work with, for as long as the work takes. */
interface GitWorkshop {
  readonly git: Git;
  /** A directory of its own. */
  readonly home: string;
  /** Where commits come from; a bundle is fetched when this is first asked. */
  readonly place: () => Promise<GitPlace>;
}

function keyOf(request: GitRequest, { commit, object, ref }: ResolvedCommit): string {
  const { keepGitDir, subdir, skipSubmodules, commitTimes, asBundle } = request;
  const parts = [
    keepGitDir ? object : commit,
    keepGitDir ? `.git#${ref}` : "",
    subdir === "" ? "" : `:${subdir}`,
    skipSubmodules ? "(skip-submodules)" : "",
    commitTimes ? "(mtime=commit)" : "",
    asBundle ? `(bundle ${request.ref})` : "",
  ];
  return `git:${parts.join("")}`;
}

function materialOf(
  { given, ref, headerSecret, tokenSecret }: GitRequest,
  { object }: ResolvedCommit,
  { "git.bundle": bundle, "git.mountsshsock": agent }: Readonly<Record<string, string>>,
): SourceMaterial {
  const secrets = [tokenSecret, headerSecret].filter((name) => name !== "");
  return { type: "git", remote: given, ref, object, bundle: bundle || undefined, secrets, agent: agent || undefined };
}

/** The client's own login, where it has one for the host, as git's configuration. */
async function loginSettings(
  { remote, host, login, headerSecret, tokenSecret }: GitRequest,
  { secret }: SourceEnvironment,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const url = URL.parse(remote);
  if (!url || !/^https?:$/.test(url.protocol)) return {};
  const settings = (header: string) => ({ [`http.${url.origin}/.extraheader`]: `Authorization: ${header}` });
  const basic = (text: string) => settings(`basic ${Buffer.from(text).toString("base64")}`);
  for (const suffix of [`.${host}`, ""]) {
    for (const [name, isToken] of [
      [headerSecret, false],
      [tokenSecret, true],
    ] as const) {
      const value = name === "" ? undefined : await secret?.(`${name}${suffix}`, { signal });
      if (!value) continue;
      const text = new TextDecoder().decode(value).trim();
      return isToken ? basic(`x-access-token:${text}`) : settings(text);
    }
  }
  return login === "" ? {} : basic(login);
}
