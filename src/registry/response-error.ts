import { BuildError, type ErrorCode } from "../base/errors/mod.ts";
import { collectBytes } from "../oci/mod.ts";
import type { HttpResponse } from "./transport.ts";

/** What to do about a refused login, or a missing one. */
export function loginHint(host: string, hadLogin: boolean): string {
  const command = host === "registry-1.docker.io" || host === "docker.io" ? "docker login" : `docker login ${host}`;
  return hadLogin
    ? `the stored login for ${host} was not accepted: run "${command}" to renew it`
    : `not logged in to ${host}: run "${command}"`;
}

/** An answer that was not wanted: status, where from, and what the server says of it. Reads the body. */
export async function statusLine(response: HttpResponse): Promise<string> {
  const said = await serverMessage(response);
  const status = `${response.status} ${response.statusText}`.trim();
  const url = response.url.replace(/\?.*$/s, "");
  return `unexpected status from ${response.method} request to ${url}: ${status}${said === "" ? "" : `: ${said}`}`;
}

/** {@link statusLine} as an error of the right code. `hint` is appended: the remedy. */
export async function unexpectedStatus(response: HttpResponse, hint = ""): Promise<BuildError> {
  const line = await statusLine(response);
  return new BuildError(codeOf(response.status), hint === "" ? line : `${line}: ${hint}`);
}

/** The status and the server's words of {@link statusLine}: URLs have names in them, which may have any words in them. */
export function withoutRequest(message: string): string {
  return message.replace(/^unexpected status from \S+ request to \S+: /, "");
}

/** The code that a status stands for. */
export function codeOf(status: number): ErrorCode {
  switch (status) {
    case 400:
      return "invalid_argument";
    case 401:
      return "unauthenticated";
    case 403:
      return "permission_denied";
    case 404:
      return "not_found";
    case 405:
    case 415:
    case 501:
      return "unimplemented";
    case 409:
    case 412:
      return "failed_precondition";
    case 416:
      return "out_of_range";
    case 429:
      return "resource_exhausted";
    default:
      return status >= 500 ? "unavailable" : "unknown";
  }
}

/** Whether the answer is a web page: then something else than a registry answered. */
export function isWebPage(response: HttpResponse): boolean {
  return /^text\/html\b/i.test(response.header("content-type") ?? "");
}

/** The error for a web page where a registry's answer was wanted. */
export function webPageError(response: HttpResponse, registry: string): BuildError {
  return new BuildError(
    "unavailable",
    `registry "${registry}" answered ${response.method} ${response.url.replace(/\?.*$/s, "")} with an HTML page (status ${response.status}): ` +
      "check that the address is that of a registry, and that no proxy or login page stands in between",
  );
}

/** `code: message` of each error that the body lists, or the beginning of its text. */
async function serverMessage(response: HttpResponse): Promise<string> {
  if (isWebPage(response)) {
    await response.drop();
    return "an HTML page, so perhaps not a registry, or a proxy in between";
  }
  const bytes = await collectBytes(response.body, { limitBytes: 64 * 1024 }).catch(() => new Uint8Array());
  const text = new TextDecoder().decode(bytes).trim();
  return (listErrors(text) ?? text).replace(/[\p{Cc}\s]+/gu, " ").slice(0, 500);
}

function listErrors(text: string): string | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { errors, details, message } = (body ?? {}) as { errors?: unknown; details?: unknown; message?: unknown };
  if (!Array.isArray(errors)) return [details, message].find((said) => typeof said === "string") as string | undefined;
  return errors
    .map((error: { code?: unknown; message?: unknown; detail?: unknown } | null) => {
      const code = typeof error?.code === "string" ? error.code.replaceAll("_", " ").toLowerCase() : "unknown";
      const said = typeof error?.message === "string" && error.message !== "" ? error.message : undefined;
      const detail = typeof error?.detail === "string" && error.detail !== "" ? ` (${error.detail})` : "";
      return (said ? `${code}: ${said}` : code) + detail;
    })
    .join("; ");
}
