import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity, type ConnectionOptions, createSecureContext, type SecureContext } from "node:tls";
import { BuildError, messageOf } from "../base/errors/mod.ts";

/** Files for a TLS connection, PEM each. Any of them given means TLS. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Name that the server's certificate must have. Default: the host. */
  readonly serverName?: string | undefined;
}

/**
 * Reads the files of a TLS connection, and looks whether they can be used.
 * @throws {BuildError} `invalid_argument` naming the file: it cannot be read, is no PEM, or key and certificate are not a pair
 */
export function tlsContext({ ca, cert, key }: TlsFiles): SecureContext {
  const parts = [
    { what: "ca certificate", path: ca, pem: read("ca certificate", ca), as: "ca" },
    { what: "certificate", path: cert, pem: read("certificate", cert), as: "cert" },
    { what: "key", path: key, pem: read("key", key), as: "key" },
  ] as const;
  const context = (some: readonly (typeof parts)[number][]) =>
    createSecureContext(Object.fromEntries(some.map((part) => [part.as, part.pem])));
  try {
    return context(parts);
  } catch (cause) {
    for (const part of parts) {
      try {
        context([part]);
      } catch (error) {
        throw invalid(`could not read ${part.what} ${part.path ?? ""}: ${messageOf(error)}`, error);
      }
    }
    const why = `key ${key ?? ""} does not belong to certificate ${cert ?? ""}`;
    throw invalid(`could not load client key pair: ${why} (${messageOf(cause)}): take both from the same set`, cause);
  }
}

/** How an engine at `hostname` is to be recognised by its certificate. */
export function tlsOptions(files: TlsFiles, hostname: string): ConnectionOptions {
  const name = files.serverName ?? hostname;
  return {
    secureContext: tlsContext(files),
    servername: isIP(name) === 0 ? name : "", // an address is never asked for by name, but certificates are checked for it
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2"],
  };
}

/** Why a TLS handshake failed, in Go's words, which people search for, and what to do; `undefined` when it is not about certificates. */
export function tlsReason(cause: NodeJS.ErrnoException, files: TlsFiles): string | undefined {
  const failed = "tls: failed to verify certificate: x509:";
  switch (cause.code) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return `${failed} certificate signed by unknown authority: ${files.ca ?? "the CA certificate"} must be the certificate of the authority that issued the engine's`;
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return `${failed} certificate has expired or is not yet valid: renew the engine's certificate, or check this machine's clock`;
    case "ERR_TLS_CERT_ALTNAME_INVALID": {
      const listed = /altnames?: Host: (\S+?)\.? is not .*: (.*)$/.exec(cause.message);
      const what = listed
        ? `certificate is valid for ${(listed[2] ?? "").replaceAll(/\b(?:DNS|IP Address):/g, "")}, not ${listed[1]}`
        : cause.message;
      return `${failed} ${what}: use a name that the certificate lists, or name one with servername`;
    }
    default:
      return undefined;
  }
}

function read(what: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  let pem: Buffer;
  try {
    pem = readFileSync(path);
  } catch (cause) {
    throw invalid(`could not read ${what}: ${messageOf(cause)}`, cause);
  }
  // Node takes an authority's file that is none for one without certificates.
  if (!pem.includes("-----BEGIN ")) throw invalid(`could not read ${what} ${path}: it is no PEM file`, undefined);
  return pem;
}

function invalid(message: string, cause: unknown): BuildError {
  return new BuildError("invalid_argument", message, { cause });
}
