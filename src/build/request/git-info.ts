import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { parseGoBool } from "../../base/text/go-values/mod.ts";

const run = promisify(execFile);

/** What is known of the repository that a build is made from. */
export interface GitInfo {
  /** The frontend's attributes: `vcs:…` for the record of the build, `label:…` where labels are wished for. */
  readonly attrs: Readonly<Record<string, string>>;
  /** Why nothing is known though there is a repository. */
  readonly warning?: string;
}

/** What a build reads of this machine. */
interface Read {
  /** The main context; `undefined`: it is no directory. */
  readonly context: string | undefined;
  /** As typed; empty for the context's own. */
  readonly dockerfile: string;
  /** Directories by the names under which the engine asks for them. */
  readonly directories: Readonly<Record<string, string>>;
}

/**
 * Asks git about the repository in which the context lies, as docker buildx does: `BUILDX_GIT_INFO=0` has it left alone, `BUILDX_GIT_LABELS=1` has the image
 * labelled, `BUILDX_GIT_CHECK_DIRTY=1` marks a revision that is not all there is. Never fails: what cannot be told is left out.
 */
export async function gitInfo(
  { context, dockerfile, directories }: Read,
  {
    env,
    cwd,
    signal,
  }: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly cwd: string;
    readonly signal: AbortSignal;
  },
): Promise<GitInfo> {
  const wish = (name: string, usually: boolean) => parseGoBool(env[name] ?? "") ?? usually;
  const wantsLabels = env["BUILDX_GIT_LABELS"] === "full" || wish("BUILDX_GIT_LABELS", false);
  const wantsInfo = wish("BUILDX_GIT_INFO", true);
  if (context === undefined || (!wantsLabels && !wantsInfo)) return { attrs: {} };
  if (!env["GIT_DIR"] && !isBelowRepository(context)) return { attrs: {} };
  const git = async (...args: string[]) =>
    (await run("git", args, { cwd: context, env: { ...process.env, ...env }, signal })).stdout.split("\n", 1)[0] ?? "";
  const optional = async (...args: string[]) => await git(...args).catch(() => "");
  let root: string;
  try {
    root = await git("rev-parse", "--show-toplevel");
  } catch (error) {
    if (signal.aborted || !existsSync(join(context, ".git"))) return { attrs: {} };
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "git was not found in the system" : said(error);
    return { attrs: {}, warning: `current commit information was not captured by the build: ${why}` };
  }
  if (root === "") return { attrs: {} }; // inside of .git itself
  const [commit, remote, isDirty] = await Promise.all([
    optional("rev-parse", "--verify", "--quiet", "HEAD^{commit}"),
    remoteAddress(optional),
    wish("BUILDX_GIT_CHECK_DIRTY", false)
      ? git("status", "--porcelain", "--ignored").then(
          (line) => line !== "",
          () => true,
        )
      : false,
  ]);
  const attrs: Record<string, string> = {};
  const note = (label: string, key: string, value: string) => {
    if (value === "") return;
    if (wantsLabels) attrs[`label:org.opencontainers.image.${label}`] = value;
    if (wantsInfo) attrs[`vcs:${key}`] = value;
  };
  note("revision", "revision", commit === "" ? "" : `${commit}${isDirty ? "-dirty" : ""}`);
  note("source", "source", remote.replace(/^([a-z+]+:\/\/)[^/@]*@/, "$1"));
  const file = isAbsolute(dockerfile)
    ? dockerfile
    : dockerfile === ""
      ? join(context, "Dockerfile")
      : resolve(cwd, dockerfile);
  const entry = await below(root, dirname(file));
  if (wantsLabels && entry !== undefined) {
    attrs["label:com.docker.image.source.entrypoint"] = join(entry, file.slice(dirname(file).length + 1));
  }
  for (const [name, path] of wantsInfo ? Object.entries(directories) : []) {
    const place = await below(root, path);
    if (place !== undefined) attrs[`vcs:localdir:${name}`] = place;
  }
  return { attrs };
}

/** The address of the remote that the branch follows, else of `origin`, else of `upstream`; with its login. */
async function remoteAddress(git: (...args: string[]) => Promise<string>): Promise<string> {
  const branch = await git("symbolic-ref", "-q", "HEAD");
  const followed = branch && (await git("for-each-ref", "--format=%(upstream:remotename)", branch));
  for (const name of new Set([followed, "origin", "upstream"])) {
    const address = name && (await git("remote", "get-url", name));
    if (address) return address;
  }
  return "";
}

/** Where a directory is in the work tree, `.` for its top; `undefined` when it is elsewhere. */
async function below(root: string, directory: string): Promise<string | undefined> {
  const real = await realpath(directory).catch(() => undefined);
  const path = real === undefined ? ".." : relative(root, real);
  return path.startsWith("..") ? undefined : path || ".";
}

function isBelowRepository(directory: string): boolean {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return true;
    if (dirname(at) === at) return false;
  }
}

/** What git said, in one line. */
function said(error: unknown): string {
  const { stderr } = error as { readonly stderr?: string };
  return stderr?.trim().split("\n", 1)[0] || "git rev-parse failed";
}
