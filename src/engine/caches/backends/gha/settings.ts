import { BuildError } from "../../../../base/errors/mod.ts";
import { parseGoDuration } from "../../../../base/text/go-values/mod.ts";
import type { CacheAttributes } from "../../backend.ts";

/** How the cache of a job of GitHub Actions is reached. */
export interface GhaSettings {
  /** Part of the names, so that one job can have several caches. */
  readonly scope: string;
  /** Of the API, with a slash at its end. */
  readonly url: string;
  /** 1: the artifact cache's REST; 2: the results service's RPC. */
  readonly version: 1 | 2;
  readonly token: string;
  /** How long to go on asking a service that says that there are too many requests. */
  readonly timeoutMs: number;
  /** `owner/name` and a token for GitHub's own API, which tells all names that are there at once. */
  readonly repository: { readonly name: string; readonly token: string } | undefined;
}

/** @throws {BuildError} `invalid_argument` with BuildKit's words */
export function ghaSettings(attributes: CacheAttributes): GhaSettings {
  const { token, url, url_v2: second, repository, ghtoken } = attributes;
  if (!token) throw invalid("token not set for github actions cache");
  const asked = attributes["version"];
  if (asked !== undefined && !/^\d+$/.test(asked)) {
    throw invalid(`failed to parse api version ${JSON.stringify(asked)}, expected positive integer`);
  }
  const isSecond = second !== undefined && second !== "" && asked !== "1";
  const address = isSecond ? second : url;
  if (!address) throw invalid("url not set for github actions cache");
  if (!URL.canParse(address) || !/^https?:/.test(address)) {
    throw invalid(`url of github actions cache is not a valid url: ${JSON.stringify(address)}`);
  }
  const timeoutMs = parseGoDuration(attributes["timeout"] ?? "10m");
  if (timeoutMs === undefined) {
    throw invalid(
      `failed to parse timeout for github actions cache: invalid duration ${JSON.stringify(attributes["timeout"])}`,
    );
  }
  return {
    scope: attributes["scope"] ?? "buildkit",
    url: `${address.replace(/\/+$/, "")}/`,
    // Old clients do not say which it is.
    version: isSecond || asked === "2" || (!asked && address.includes(resultsHost)) ? 2 : 1,
    token,
    timeoutMs,
    repository: repository && ghtoken ? { name: repository, token: ghtoken } : undefined,
  };
}

const resultsHost = "results-receiver.actions.githubusercontent.com";

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
