import { BuildError, connectErrorText, type ErrorCode, messageOf } from "../../base/errors/mod.ts";

/** The engine did not answer at all, in Docker's words. */
export function unreachable(cause: unknown, address: string): BuildError {
  if (cause instanceof BuildError) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") {
    return new BuildError(
      "permission_denied",
      `permission denied while trying to connect to the Docker daemon socket at ${address}`,
      { cause },
    );
  }
  if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTDIR") {
    return new BuildError(
      "unavailable",
      `Cannot connect to the Docker daemon at ${address}. Is the docker daemon running?`,
      { cause },
    );
  }
  return new BuildError("unavailable", `error during connect to the Docker daemon at ${address}: ${reasonOf(cause)}`, {
    cause,
  });
}

/** Why a connection broke. TLS alerts are told in the words of Go's programs, which people search for. */
export function reasonOf(cause: unknown): string {
  const alert = /alert (certificate required|bad certificate|unknown ca|handshake failure)/.exec(messageOf(cause))?.[1];
  return alert === undefined ? connectErrorText(cause) : `remote error: tls: ${alert}`;
}

/** The engine refused: what it says, with the code that its status stands for. */
export function refused(body: string, statusCode: number): BuildError {
  return new BuildError(codeOf(statusCode), `Error response from daemon: ${reasonIn(body, statusCode)}`);
}

/** What an answer that is none says. */
export function reasonIn(body: string, statusCode: number): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === "string") return message.trim();
  } catch {
    // old engines, and proxies, answer in plain text
  }
  return body.trim() === "" ? `status ${statusCode}` : body.trim().slice(0, 1000);
}

function codeOf(status: number): ErrorCode {
  switch (status) {
    case 400:
      return "invalid_argument";
    case 401:
      return "unauthenticated";
    case 403:
      return "permission_denied";
    case 404:
      return "not_found";
    case 409:
      return "already_exists";
    case 501:
      return "unimplemented";
    case 503:
      return "unavailable";
    default:
      return "unknown";
  }
}
