import { createHash } from "node:crypto";
import { BuildError } from "../../../../base/errors/mod.ts";
import type { HttpResponse, RetryPolicy } from "../../../../registry/mod.ts";
import { download } from "../../objects/download.ts";
import { serviceError, textOf } from "../../objects/service-http.ts";

/** Something that is kept. */
export interface ActionsEntry {
  readonly key: string;
  /** Where its bytes are, for a while. */
  readonly url: URL;
}

/** Options of whoever may be cancelled. */
export interface ActionsOptions {
  readonly signal: AbortSignal;
}

/** The cache of a job of GitHub Actions: what has been written under a key stays as it is. */
export interface ActionsCache {
  /** The youngest of what the job may read under a key that begins so. */
  find(keyPrefix: string, options: ActionsOptions): Promise<ActionsEntry | undefined>;
  /**
   * Takes a key, and writes under it.
   * @returns `exists`: it is taken, be what it stands for complete or not
   */
  save(
    key: string,
    open: (options: ActionsOptions) => AsyncIterable<Uint8Array>,
    options: ActionsOptions & { readonly sizeBytes: number },
  ): Promise<"saved" | "exists">;
  /** Asks for what lies at the URL of an entry, or for the range of it that headers want. */
  open(url: URL, headers: Readonly<Record<string, string>>, options: ActionsOptions): Promise<HttpResponse>;
}

/** A connection that breaks while an entry is read is made again a few times. */
const readPolicy: RetryPolicy = { attempts: 5, baseDelayMs: 500, longestDelayMs: 60_000 };

/**
 * The bytes of an entry.
 * @param find looks it up, more than once: where its bytes are is good to know for a while only
 */
export function readEntry(
  cache: ActionsCache,
  find: () => Promise<ActionsEntry>,
  options: ActionsOptions & { readonly sizeBytes?: number },
): AsyncIterable<Uint8Array> {
  const open = async (headers: Readonly<Record<string, string>>) =>
    await cache.open((await find()).url, headers, options);
  return download(
    (headers) =>
      open(headers).catch(async (error: unknown) => {
        if (error instanceof BuildError && outdated.has(error.code)) return await open(headers);
        throw error;
      }),
    { ...options, policy: readPolicy },
  );
}

/** What storage says of a URL that was signed too long ago. */
const outdated: ReadonlySet<string> = new Set(["permission_denied", "unauthenticated"]);

/** Tells BuildKit's entries from those of others; it has nothing to do with the version of the API. */
export const entryVersion = createHash("sha256").update("|go-actionscache-1.0").digest("hex");

/** What the service answers, as JSON. @throws {BuildError} for what is no answer, in the service's words */
export async function answerOf(
  what: string,
  response: HttpResponse,
  limitBytes?: number,
): Promise<Readonly<Record<string, unknown>>> {
  if (response.status < 200 || response.status > 299) {
    throw await serviceError(
      `github actions cache: ${what}: unexpected status`,
      response,
      (text) => errorOf(text)?.message,
    );
  }
  const text = await textOf(response, limitBytes);
  if (text.trim() === "") return {};
  const json = parse(text);
  if (json) return json;
  throw new BuildError("unavailable", `github actions cache: ${what}: unexpected answer ${text.slice(0, 200)}`);
}

/**
 * The answer to who wants a key; `undefined`: somebody has it already.
 * @throws {BuildError} as {@link answerOf}
 */
export async function answerUnlessTaken(
  what: string,
  response: HttpResponse,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (response.status < 400 || response.status > 499) return await answerOf(what, response);
  const text = await textOf(response);
  const { kind = "", message = "" } = errorOf(text) ?? {};
  if (/already_?exists/i.test(kind) || /already exists/i.test(message)) return undefined;
  const again = { ...response, body: bytesOf(text) };
  return await answerOf(what, again);
}

/** The texts of both versions: `{message, typeKey}` and `{code, msg}`. */
function errorOf(text: string): { readonly kind: string; readonly message: string } | undefined {
  const json = parse(text.replace(/^\uFEFF/, ""));
  if (!json) return undefined;
  const of = (key: string) => (typeof json[key] === "string" ? json[key] : "");
  const kind = of("typeKey") || of("code");
  const message = of("message") || of("msg") || kind;
  return message === "" ? undefined : { kind, message };
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json = JSON.parse(text) as unknown;
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

/** A field of an answer that must be a text. @throws {BuildError} */
export function textField(
  what: string,
  answer: Readonly<Record<string, unknown>>,
  ...names: readonly string[]
): string {
  for (const name of names) if (typeof answer[name] === "string" && answer[name] !== "") return answer[name];
  throw new BuildError("unavailable", `github actions cache: ${what}: the answer has no ${names[0]}`);
}
