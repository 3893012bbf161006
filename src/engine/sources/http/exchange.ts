import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { fetchFrom } from "../../../base/http/mod.ts";
import { withoutLogin } from "../../../base/text/logins/mod.ts";

/** What a request to a server is made of. */
export interface HttpRequest {
  readonly address: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** What a server has for an address: a state that is known, or a file. The file's body must be read or cancelled. */
export type HttpAnswer =
  | { readonly type: "known"; readonly etag: string }
  | { readonly type: "file"; readonly response: Response; readonly body: ReadableStream<Uint8Array> };

/**
 * Asks for a file, unless it is in one of the states `known` by their ETags. Servers that tell states apart but do not answer questions about
 * them are first asked for the state alone (HEAD), and those whose answer about a known state makes no sense are asked for the file, as if nothing were known.
 * @throws {BuildError} naming the address: `invalid response status 404`
 */
export async function askFor(request: HttpRequest, known: ReadonlySet<string>): Promise<HttpAnswer> {
  if (known.size > 0) {
    const etag = await stateOf(request, known);
    if (etag !== undefined) return { type: "known", etag };
    const response = await exchange("GET", withKnown(request, known));
    if (response.status !== 304) return await fileOf(request, response);
    await response.body?.cancel();
    const meant = meantState(response, known);
    if (meant !== undefined) return { type: "known", etag: meant };
  }
  return await fileOf(request, await exchange("GET", request));
}

/** An ETag without the mark of weak ones; empty: there is none. */
export function etagOf(response: Response): string {
  return (response.headers.get("etag") ?? "").replace(/^W\//, "");
}

/** The known state that the server has, by asking for no more than that. Failures are left to the request that follows. */
async function stateOf(request: HttpRequest, known: ReadonlySet<string>): Promise<string | undefined> {
  let response: Response;
  try {
    response = await exchange("HEAD", withKnown(request, known));
  } catch (error) {
    request.signal.throwIfAborted();
    if (error instanceof BuildError) return undefined;
    throw error;
  }
  await response.body?.cancel();
  return response.status === 200 || response.status === 304 ? meantState(response, known) : undefined;
}

/** Some servers do not repeat the ETag where only one was asked for. */
function meantState(response: Response, known: ReadonlySet<string>): string | undefined {
  const etag = etagOf(response);
  const [first = ""] = known;
  const meant = etag === "" && response.status === 304 && known.size === 1 ? first : etag;
  return known.has(meant) ? meant : undefined;
}

function withKnown(request: HttpRequest, known: ReadonlySet<string>): HttpRequest {
  return { ...request, headers: { ...request.headers, "if-none-match": [...known].join(", ") } };
}

async function fileOf({ address }: HttpRequest, response: Response): Promise<HttpAnswer> {
  const { body } = response;
  if (response.ok && body) return { type: "file", response, body };
  await body?.cancel();
  throw new BuildError(
    "unknown",
    `failed to load ${withoutLogin(address.href)}: invalid response status ${response.status}`,
  );
}

async function exchange(method: "GET" | "HEAD", { address, headers, signal }: HttpRequest): Promise<Response> {
  const plain = new URL(address);
  [plain.username, plain.password] = ["", ""]; // fetch takes none
  try {
    // Other encodings have other ETags.
    const all = { "accept-encoding": "identity", ...loginOf(address), ...headers };
    return await fetchFrom(plain, { method, signal, headers: all });
  } catch (cause) {
    signal.throwIfAborted();
    const why = cause instanceof Error && cause.cause ? messageOf(cause.cause) : messageOf(cause);
    throw new BuildError("unavailable", `failed to fetch ${withoutLogin(address.href)}: ${why}`, { cause });
  }
}

/** What the address itself says of who asks. */
function loginOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === "" && password === "") return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(login).toString("base64")}` };
}
