import { BuildError } from "../../../base/errors/mod.ts";
import { withoutLogin } from "../../../base/text/logins/mod.ts";
import { cleanPath } from "../../../base/text/paths/mod.ts";
import { type BlobLocator, parseBlobLocator } from "../blob/blob-locator.ts";
import type { BlobStore } from "../blob/open-blob.ts";
import { isCommit } from "./object-name.ts";

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
  readonly bundle: WantedBundle | undefined;
  /** The commit with its history is wanted, as one file that git can fetch from. */
  readonly asBundle: boolean;
  readonly signature: GitSignature | undefined;
}

const isSsh = (remote: string): boolean => !/^(?:https?|git):/i.test(remote);

/** A bundle that is fetched from in place of the remote. */
export interface WantedBundle {
  readonly locator: BlobLocator;
  readonly store: BlobStore;
}

/** Who must have signed what is fetched. */
export interface GitSignature {
  /** Armored OpenPGP keys, or an ssh key as in authorized_keys. */
  readonly keys: string;
  /** A key that has expired since it signed does not count any more. */
  readonly rejectExpired: boolean;
  /** It is not enough that the commit is signed. */
  readonly requireTag: boolean;
  /** The commit must be signed, whatever stands for it. */
  readonly ignoreTag: boolean;
}

/** @throws {BuildError} `invalid_argument` for what makes no sense */
export function readRequest(identifier: string, attrs: Readonly<Record<string, string>>): GitRequest {
  const [, place = "", fragment = ""] = /^git:\/\/([^#]*)(?:#(.*))?$/s.exec(identifier) ?? [];
  const given = attrs["git.fullurl"] || `https://${place}`;
  if (!/^(?:(?:https?|ssh|git):\/\/[^-]|[\w-]+@[\w.-]+:)/i.test(given)) {
    throw new BuildError("invalid_argument", `invalid git remote ${JSON.stringify(withoutLogin(given))}`);
  }
  const { remote, login } = splitLogin(given);
  const colon = fragment.indexOf(":");
  const ref = colon < 0 ? fragment : fragment.slice(0, colon);
  const subdir = cleanPath(`/${colon < 0 ? "" : fragment.slice(colon + 1)}`).slice(1);
  if (ref.startsWith("-") || /[\s\0]/.test(ref))
    throw new BuildError("invalid_argument", `invalid git ref ${JSON.stringify(ref)}`);
  const checksum = (attrs["git.checksum"] ?? "").toLowerCase();
  if (!/^[0-9a-f]{0,64}$/.test(checksum)) {
    throw new BuildError("invalid_argument", `invalid checksum ${checksum} for git source, expected hex commit hash`);
  }
  const keepGitDir = attrs["git.keepgitdir"] === "true";
  const asBundle = attrs["git.checkoutbundle"] === "true";
  for (const [name, isThere] of [
    ["git.keepgitdir", keepGitDir],
    ["git.subdir", subdir !== ""],
  ] as const) {
    if (asBundle && isThere)
      throw new BuildError("invalid_argument", `git.checkoutbundle is incompatible with ${name}`);
  }
  const fetchByCommit = attrs["git.fetchbycommit"] === "true";
  if (fetchByCommit && !isCommit(ref) && !isCommit(checksum)) {
    const got = checksum === "" ? "" : `, got ${JSON.stringify(checksum)}`;
    throw new BuildError("invalid_argument", `fetch-by-commit requires a full commit SHA checksum${got}`);
  }
  return {
    remote,
    given,
    login,
    host: URL.parse(remote)?.host ?? "",
    ref,
    subdir,
    keepGitDir,
    skipSubmodules: attrs["git.skipsubmodules"] === "true",
    checksum,
    commitTimes: attrs["git.mtime"] === "commit",
    fetchByCommit,
    headerSecret: attrs["git.authheadersecret"] ?? "",
    tokenSecret: attrs["git.authtokensecret"] ?? "",
    knownHosts: attrs["git.knownsshhosts"] ?? "",
    agent: isSsh(remote) ? (attrs["git.mountsshsock"] ?? "") : "",
    bundle: readBundle(attrs, { ref, checksum }),
    asBundle,
    signature: readSignature(attrs),
  };
}

function readBundle(
  attrs: Readonly<Record<string, string>>,
  { ref, checksum }: { readonly ref: string; readonly checksum: string },
): WantedBundle | undefined {
  const { "git.bundle": text = "", "oci.session": session, "oci.store": store } = attrs;
  if (text === "") return undefined;
  const locator = parseBlobLocator(text);
  if (checksum === "") throw new BuildError("invalid_argument", "git.bundle requires git.checksum to be set");
  if (isCommit(ref) && !ref.startsWith(checksum)) {
    throw new BuildError("invalid_argument", `expected checksum to match ${checksum}, got ${ref}`);
  }
  if (ref === "" && !isCommit(checksum)) {
    throw new BuildError("invalid_argument", "git.bundle requires git.checksum to be a whole commit, or a ref");
  }
  return { locator, store: { session, store: store || locator.name } };
}

function readSignature(attrs: Readonly<Record<string, string>>): GitSignature | undefined {
  if (!Object.keys(attrs).some((name) => name.startsWith("git.sig."))) return undefined;
  const keys = attrs["git.sig.pubkey"] ?? "";
  if (keys === "") throw new BuildError("invalid_argument", "git signature verification requires git.sig.pubkey");
  return {
    keys,
    rejectExpired: attrs["git.sig.rejectexpired"] === "true",
    requireTag: attrs["git.sig.requiresignedtag"] === "true",
    ignoreTag: attrs["git.sig.ignoresignedtag"] === "true",
  };
}

/** Takes the login out of an address of http: what git is told on its command line, others can see. */
function splitLogin(given: string): { readonly remote: string; readonly login: string } {
  const url = /^https?:/i.test(given) ? URL.parse(given) : null;
  if (!url || (url.username === "" && url.password === "")) return { remote: given, login: "" };
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { remote: given.replace(/^([a-z]+:\/\/)[^/?#]*@/i, "$1"), login };
}
