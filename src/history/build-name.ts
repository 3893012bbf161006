import { basename, dirname, join } from "node:path/posix";

/** What this machine remembers of a build that it asked for. */
export interface LocalBuild {
  /** The context: an absolute path, a URL, or `-`. */
  readonly localPath: string;
  /** The Dockerfile likewise; empty: the usual one. */
  readonly dockerfilePath: string;
  /** What it was called in the command that asked for it. */
  readonly target: string;
  /** The builds that one command asked for together, if it was more than one. */
  readonly group?: {
    readonly ref: string;
    /** As the command's program has written it down; `undefined` when it is lost. */
    readonly state: unknown;
  };
}

const isRemote = (path: string): boolean => /^(?:[a-z]+:\/\/|git@|github\.com\/)/.test(path);

/**
 * What people call a build: the name that they gave it by `BUILDKIT_BUILD_NAME`, else its context's, with its Dockerfile and target where these are
 * not the usual ones; as buildx calls it.
 * @param attrs the frontend's attributes
 * @param local what this machine remembers, if it was the one that asked
 */
export function buildName(attrs: Readonly<Record<string, string>>, local: LocalBuild | undefined): string {
  const given = attrs["build-arg:BUILDKIT_BUILD_NAME"];
  if (given) return given;
  const { target = "", "vcs:source": source = "" } = attrs;
  const place = placeOf(attrs, local);
  if (place === "") return target || source;
  return target === "" ? place : `${place} (${target})`;
}

function placeOf(attrs: Readonly<Record<string, string>>, local: LocalBuild | undefined): string {
  const remembered = local && !isRemote(local.localPath) ? local : undefined;
  const context = attrs["context"] ?? usual(attrs["vcs:localdir:context"], ".");
  if (context) return context;
  const contextPath = usual(remembered?.localPath, "-") ?? "";
  const file = usual(remembered?.dockerfilePath, "-", "Dockerfile") ?? askedDockerfile(attrs);
  const isUsualFile = file === "" || file.endsWith("/Dockerfile");
  const dockerfile = file.replace(/\/Dockerfile$/, "");
  // A Dockerfile below the context: from the context's own name down.
  if (dockerfile.startsWith(contextPath) && dockerfile.length > contextPath.length) {
    return dockerfile.slice(contextPath.lastIndexOf("/") + 1);
  }
  const path = dockerfile || contextPath;
  if (path === "") return "";
  return isUsualFile ? basename(path) : join(basename(dirname(path)), basename(path));
}

/** What the request says of the Dockerfile, when this machine remembers nothing. */
function askedDockerfile(attrs: Readonly<Record<string, string>>): string {
  const name = usual(attrs["filename"], "Dockerfile") ?? "";
  const directory = usual(attrs["vcs:localdir:dockerfile"], ".");
  return directory ? join(directory, name) : name;
}

/** The text, unless it is missing, empty or one of those that say nothing. */
function usual(text: string | undefined, ...nothing: readonly string[]): string | undefined {
  return text === undefined || text === "" || nothing.includes(text) ? undefined : text;
}
