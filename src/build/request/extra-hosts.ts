import { isIP } from "node:net";
import { BuildError } from "../../base/errors/mod.ts";

/**
 * `host:ip` or `host=ip` as the frontend wants it: `host=ip`, the address without brackets.
 * @throws {BuildError} `invalid host X`
 */
export function extraHost(text: string): string {
  const at = text.search(/[=:]/);
  const host = text.slice(0, Math.max(0, at));
  const ip = text.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
  if (at <= 0 || ip === "") throw invalid(`invalid host ${text}`);
  if (ip === "host-gateway") {
    throw invalid(
      "unable to derive the IP value for host-gateway: host-gateway is not supported by the embedded driver",
    );
  }
  if (isIP(ip) === 0) throw invalid(`invalid host ${text}`);
  return `${host}=${ip}`;
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
