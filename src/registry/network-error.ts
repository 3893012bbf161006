import { BuildError, messageOf } from "../base/errors/mod.ts";

/** A request got no answer. */
export class NetworkError extends BuildError {
  /** Whether trying again may help. */
  readonly transient: boolean;
  /** Whether the other side seems to speak plain HTTP. */
  readonly notTls: boolean;
  constructor(message: string, options: { cause: unknown; transient: boolean; notTls?: boolean }) {
    super("unavailable", message, { cause: options.cause });
    this.transient = options.transient;
    this.notTls = options.notTls ?? false;
  }
}

interface SystemError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly errors?: readonly SystemError[];
}

/** What of a failure people need to know. */
interface Explanation {
  /** In the words of Go's net package, which users of buildx search for. */
  readonly what: string;
  readonly remedy: string;
  readonly transient?: boolean;
  readonly notTls?: boolean;
}

/**
 * Puts a failed request into words: what was asked, what went wrong, and what to do about it.
 * @param request.registry the name people know the registry by
 * @param request.service the other side, where it is no registry, for instance `the S3 endpoint "minio:9000"`
 */
export function networkError(
  request: { method: string; url: string; registry: string; service?: string | undefined },
  error: unknown,
): NetworkError {
  const { method, url, registry, service = `registry ${JSON.stringify(registry)}` } = request;
  const root = rootOf(error as SystemError);
  const { what, remedy, transient = false, notTls = false } = explain(root, new URL(url), service);
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  return new NetworkError(`failed to do request: ${verb} "${withoutQuery(url)}": ${what}${remedy && `: ${remedy}`}`, {
    cause: error,
    transient,
    notTls,
  });
}

/** Query strings of redirected requests carry signatures. */
function withoutQuery(url: string): string {
  return url.replace(/\?.*$/s, "");
}

/** One error of the several that trying IPv6 and IPv4 gives, beneath the wrappings. */
function rootOf(error: SystemError): SystemError {
  const inner = error.errors?.at(-1) ?? (error.cause instanceof Error ? (error.cause as SystemError) : undefined);
  return inner?.code ? rootOf(inner) : error;
}

function explain(error: SystemError, url: URL, name: string): Explanation {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const address = `${error.address ?? url.hostname}:${error.port ?? port}`;
  switch (error.code) {
    case "ECONNREFUSED":
      return {
        what: `dial tcp ${address}: connect: connection refused`,
        remedy: `nothing listens there: check that ${name} is running and its address is right`,
        notTls: true,
      };
    case "ENOTFOUND":
      return { what: `dial tcp: lookup ${url.hostname}: no such host`, remedy: `check the name of ${name}` };
    case "EAI_AGAIN":
      return {
        what: `dial tcp: lookup ${url.hostname}: Temporary failure in name resolution`,
        remedy: `check this machine's DNS, or the name of ${name}`,
        transient: true,
      };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return {
        what: `dial tcp ${address}: connect: ${error.code === "EHOSTUNREACH" ? "no route to host" : "network is unreachable"}`,
        remedy: `check the network between here and ${name}, or set HTTPS_PROXY`,
      };
    case "UND_ERR_CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return {
        what: `dial tcp ${address}: i/o timeout`,
        remedy: `${name} does not answer: check the address, firewalls and proxies`,
      };
    case "UND_ERR_HEADERS_TIMEOUT":
    case "UND_ERR_BODY_TIMEOUT":
      return {
        what: "net/http: timeout awaiting response",
        remedy: `${name} has stopped answering`,
        transient: true,
      };
    case "UND_ERR_SOCKET":
    case "ECONNRESET":
    case "EPIPE":
      return {
        what: "connection reset by peer",
        remedy: `${name} closed the connection`,
        transient: true,
        notTls: true,
      };
    default:
      return (
        explainTls(error, url, name) ?? {
          what: messageOf(error),
          remedy: `while talking to ${name}`,
          transient: !!error.code?.startsWith("HPE_"),
        }
      );
  }
}

function explainTls(error: SystemError, url: URL, name: string): Explanation | undefined {
  switch (error.code) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return {
        what: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        remedy: `give its authority as "ca" for ${name} in the builder's config, or set "insecure = true" there to accept any certificate`,
      };
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return {
        what: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
        remedy: `renew the certificate of ${name}, or check this machine's clock`,
      };
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return {
        what: `tls: failed to verify certificate: x509: certificate is not valid for ${url.hostname}`,
        remedy: `use a name that the certificate of ${name} lists, or set "insecure = true" for it in the builder's config`,
      };
    default:
      return explainProtocol(error, name);
  }
}

function explainProtocol(error: SystemError, name: string): Explanation | undefined {
  if (error.code === "EPROTO" || error.code?.startsWith("ERR_SSL_")) {
    const plain = /wrong version number|packet length too long|http request|unknown protocol/i.test(
      `${error.code.replaceAll("_", " ")} ${error.message}`,
    );
    if (!plain) return { what: `remote error: tls: ${error.message}`, remedy: `check the TLS settings of ${name}` };
    return {
      what: "http: server gave HTTP response to HTTPS client",
      remedy: `if ${name} really speaks plain HTTP, set "http = true" for it in the builder's config`,
      notTls: true,
    };
  }
  return undefined;
}
