import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import type { ServerTls } from "./engine-config.ts";

/**
 * Loads the certificates to listen with. Nothing named: no TLS.
 * @throws {BuildError} in buildkitd's words, when one is missing or they do not belong together
 */
export function loadServerTls(
  files: Readonly<Record<"cert" | "key" | "ca", string | undefined>>,
): ServerTls | undefined {
  const path = { cert: files.cert || undefined, key: files.key || undefined, ca: files.ca || undefined };
  if (path.cert === undefined && path.key === undefined && path.ca === undefined) return undefined;
  if (path.cert === undefined || path.key === undefined) {
    throw new BuildError("invalid_argument", "you must specify key and cert file if one is specified");
  }
  const pair = attempt("could not load server key pair", [path.cert, path.key], () => {
    const loaded = { cert: readFileSync(path.cert as string, "utf8"), key: readFileSync(path.key as string, "utf8") };
    createSecureContext(loaded);
    return loaded;
  });
  if (path.ca === undefined) return { ...pair, ca: undefined };
  const ca = attempt("could not read ca certificate", [path.ca], () => readFileSync(path.ca as string, "utf8"));
  attempt("failed to append ca cert", [path.ca], () => new X509Certificate(ca));
  return { ...pair, ca };
}

function attempt<T>(what: string, files: readonly string[], load: () => T): T {
  try {
    return load();
  } catch (cause) {
    const why = messageOf(cause);
    const where = files.some((file) => why.includes(file)) ? "" : ` (${files.join(", ")})`;
    throw new BuildError("invalid_argument", `${what}: ${why}${where}`, { cause });
  }
}
