import { homedir } from "node:os";
import { type AwsCredentials, findAwsCredentials } from "../../aws/mod.ts";
import { messageOf } from "../../base/errors/mod.ts";
import { parseGoBool } from "../../base/text/go-values/mod.ts";
import type { CacheEntry } from "./parse-cache.ts";

type Attributes = Readonly<Record<string, string>>;
type Environment = Readonly<Record<string, string | undefined>>;

/** Attributes that say no more than variables of this machine, by kind of cache: the engine may run where they are not set. */
const variables: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  s3: { bucket: "AWS_BUCKET", region: "AWS_REGION" },
  azblob: {
    account_url: "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL",
    account_name: "BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME",
    container: "BUILDKIT_AZURE_STORAGE_CONTAINER",
    prefix: "BUILDKIT_AZURE_STORAGE_PREFIX",
  },
};

/** Completes what is said of caches that services keep, with what this machine knows: addresses and credentials. */
export class CloudCaches {
  readonly #env: Environment;
  readonly #warnings = new Set<string>();
  #aws: Promise<AwsCredentials | undefined> | undefined;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** What people should know: credentials that cannot be had. */
  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** The entries with all that is known of them. One of GitHub's caches that has no token is left out: this is no job of GitHub Actions. */
  async complete(entries: readonly CacheEntry[]): Promise<readonly CacheEntry[]> {
    const complete: CacheEntry[] = [];
    for (const { type, attrs } of entries) {
      const known = { ...this.#fromVariables(type), ...attrs };
      if (type === "gha") {
        const filled = githubAttributes(known, this.#env);
        if (filled["token"] && (filled["url"] || filled["url_v2"])) complete.push({ type, attrs: filled });
      } else {
        complete.push({ type, attrs: type === "s3" ? await this.#withCredentials(known) : known });
      }
    }
    return complete;
  }

  #fromVariables(type: string): Attributes {
    const entries = Object.entries(variables[type] ?? {});
    return Object.fromEntries(
      entries.flatMap(([attribute, name]) => (this.#env[name] ? [[attribute, this.#env[name]]] : [])),
    );
  }

  /** Credentials that the entry names are not mixed with others. */
  async #withCredentials(attrs: Attributes): Promise<Attributes> {
    if (attrs["access_key_id"] !== undefined && attrs["secret_access_key"] !== undefined) return attrs;
    this.#aws ??= findAwsCredentials({ env: this.#env, home: this.#env["HOME"] ?? homedir() }).catch(
      (error: unknown) => {
        this.#warnings.add(messageOf(error));
        return undefined;
      },
    );
    const found = await this.#aws;
    if (!found) return attrs;
    const { accessKeyId, secretAccessKey, sessionToken } = found;
    return {
      access_key_id: accessKeyId,
      secret_access_key: secretAccessKey,
      ...(sessionToken === undefined ? {} : { session_token: sessionToken }),
      ...attrs,
    };
  }
}

/** What a job of GitHub Actions is told of its cache, where the entry does not say otherwise. */
function githubAttributes(attrs: Attributes, env: Environment): Attributes {
  const isSecond = attrs["version"] === undefined && parseGoBool(env["ACTIONS_CACHE_SERVICE_V2"] ?? "") === true;
  const version = attrs["version"] ?? (isSecond ? "2" : undefined);
  const filled: Record<string, string> = {};
  const fill = (key: string, value: string | undefined) => {
    if (value !== undefined) filled[key] = value;
  };
  fill("token", env["ACTIONS_RUNTIME_TOKEN"]);
  if (version === "2") fill("url_v2", env["ACTIONS_RESULTS_URL"]);
  fill("url", env["ACTIONS_CACHE_URL"] ?? env["ACTIONS_RESULTS_URL"]);
  return { ...filled, ...attrs };
}
