import { BuildError } from "../../../../base/errors/mod.ts";
import type { ServiceHttp } from "../../objects/service-http.ts";
import { type ActionsOptions, answerOf } from "./actions-cache.ts";

const keysPerPage = 100;
/** A service that always has one more page is not listened to for ever. */
const pageLimit = 1000;

/**
 * All keys with a prefix that are there in a scope, as GitHub's REST API lists them: with it nobody needs to ask for each by itself.
 * @param api for instance `https://api.github.com`
 * @see https://docs.github.com/en/rest/actions/cache
 */
export async function* listKeys(
  http: ServiceHttp,
  { api, repository, scope, prefix }: { api: string; repository: string; scope: string; prefix: string },
  { signal }: ActionsOptions,
): AsyncGenerator<string> {
  for (let page = 1; page <= pageLimit; page++) {
    const url = new URL(`${api.replace(/\/+$/, "")}/repos/${repository}/actions/caches`);
    const query = { per_page: String(keysPerPage), page: String(page), key: prefix, ref: scope };
    url.search = new URLSearchParams(query).toString();
    const headers = { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" };
    const answer = await answerOf(
      "list keys",
      await http.send({ method: "GET", url, headers, signal }),
      listLimitBytes,
    );
    const { total_count: total, actions_caches: entries } = answer;
    if (typeof total !== "number" || !Array.isArray(entries)) {
      throw new BuildError("unavailable", "github actions cache: list keys: the answer has no actions_caches");
    }
    for (const entry of entries as readonly { key?: unknown }[]) if (typeof entry.key === "string") yield entry.key;
    if (page * keysPerPage >= total || entries.length === 0) return;
  }
}

/** A page has some hundred bytes per key, which may be long. */
const listLimitBytes = 1024 * 1024;
