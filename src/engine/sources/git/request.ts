import { BuildError } from "../../../base/errors/mod.ts";
import { withoutLogin } from "../../../base/text/logins/mod.ts";

/** What a git source asks for, read from its identifier and attributes. */
export interface GitRequest {
  /** What git is given: never a login, apart from the user of ssh. */
  readonly remote: string;
  /** As it was written. */
  readonly given: string;
  /** User and password in an address of http; empty: it has none. */
  readonly login: string;
  /** Host of the remote, with its port where that is a special one, for finding logins; empty where it is no URL. */
  readonly host: string;
  /** Branch, tag or commit; empty: the remote's own default. */
  readonly ref: string;
  readonly subdir: string;
  readonly keepGitDir: boolean;
  readonly skipSubmodules: boolean;
  /** Commit, or its start, that must be found. */
  readonly checksum: string;
  /** Files get the time of the commit instead of that of the checkout. */
  readonly commitTimes: boolean;
  /** Fetch {@link checksum} itself. */
  readonly fetchByCommit: boolean;
  /** Names of secrets that hold an `Authorization` value, and a token. */
  readonly headerSecret: string;
  readonly tokenSecret: string;
  /** Text of a known_hosts file; empty: nothing is known. */
  readonly knownHosts: string;
  /** The client's ssh agent that may be asked; empty: none. */
  readonly agent: string;
}

const isSsh = (remote: string): boolean => !/^(?:https?|git):/i.test(remote);

/** What changes the result and cannot be done yet. */
const notYet = ["git.bundle", "git.checkoutbundle", "git.sig.pubkey"];

/** @throws {BuildError} `invalid_argument` for what makes no sense, `unimplemented` for what cannot be done yet */
export function readRequest(identifier: string, attrs: Readonly<Record<string, string>>): GitRequest {
  for (const name of notYet) {
    if (attrs[name]) {
      throw new BuildError("unimplemented", `${identifier}: source attribute ${name} is not supported yet`);
    }
  }
  const [, place = "", fragment = ""] = /^git:\/\/([^#]*)(?:#(.*))?$/s.exec(identifier) ?? [];
  const given = attrs["git.fullurl"] || `https://${place}`;
  if (!/^(?:(?:https?|ssh|git):\/\/[^-]|[\w-]+@[\w.-]+:)/i.test(given)) {
    throw new BuildError("invalid_argument", `invalid git remote ${JSON.stringify(withoutLogin(given))}`);
  }
  const { remote, login } = splitLogin(given);
  const colon = fragment.indexOf(":");
  const ref = colon < 0 ? fragment : fragment.slice(0, colon);
  const subdir = (colon < 0 ? "" : fragment.slice(colon + 1)).replace(/^\/+|\/+$/g, "");
  if (ref.startsWith("-") || /[\s\0]/.test(ref))
    throw new BuildError("invalid_argument", `invalid git ref ${JSON.stringify(ref)}`);
  if (subdir.split("/").includes("..")) {
    throw new BuildError("invalid_argument", `invalid git subdirectory ${JSON.stringify(subdir)}`);
  }
  const checksum = (attrs["git.checksum"] ?? "").toLowerCase();
  if (!/^[0-9a-f]{0,64}$/.test(checksum)) {
    throw new BuildError("invalid_argument", `invalid checksum ${checksum} for git source, expected hex commit hash`);
  }
  return {
    remote,
    given,
    login,
    host: URL.parse(remote)?.host ?? "",
    ref,
    subdir,
    keepGitDir: attrs["git.keepgitdir"] === "true",
    skipSubmodules: attrs["git.skipsubmodules"] === "true",
    checksum,
    commitTimes: attrs["git.mtime"] === "commit",
    fetchByCommit: attrs["git.fetchbycommit"] === "true",
    headerSecret: attrs["git.authheadersecret"] ?? "",
    tokenSecret: attrs["git.authtokensecret"] ?? "",
    knownHosts: attrs["git.knownsshhosts"] ?? "",
    agent: isSsh(remote) ? (attrs["git.mountsshsock"] ?? "") : "",
  };
}

/** Takes the login out of an address of http: what git is told on its command line, others can see. */
function splitLogin(given: string): { readonly remote: string; readonly login: string } {
  const url = /^https?:/i.test(given) ? URL.parse(given) : null;
  if (!url || (url.username === "" && url.password === "")) return { remote: given, login: "" };
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { remote: given.replace(/^([a-z]+:\/\/)[^/?#]*@/i, "$1"), login };
}
