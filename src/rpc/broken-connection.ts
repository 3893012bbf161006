import { BuildError } from "../base/errors/mod.ts";
import { CommandFailure } from "../base/stdio/mod.ts";

/**
 * The status of a call whose connection has broken before it was answered.
 *
 * A client that TLS 1.3 refuses learns that only now: for it the handshake had ended well. Then the reason is said in Go's words, which
 * people search for.
 */
export function brokenConnection(
  cause: (Error & { readonly code?: string; readonly reason?: string }) | undefined,
): BuildError {
  // What led to the server knows more than that its end has come: ssh says why.
  if (cause instanceof CommandFailure)
    return new BuildError("unavailable", `error reading from server: ${cause.message}`, { cause });
  const alert = /\balert (.+)$/.exec(cause?.code?.startsWith("ERR_SSL_") ? (cause.reason ?? "") : "")?.[1];
  if (alert === undefined) return new BuildError("unavailable", "error reading from server: EOF", { cause });
  return new BuildError(
    "unavailable",
    `connection error: remote error: tls: ${alert}: the server does not take this client's certificate, check its certificate and key`,
    { cause },
  );
}
