import { isAbsolute } from "node:path";
import { BuildError } from "../../../base/errors/mod.ts";
import type { TlsFiles } from "../../../client/mod.ts";
import { DriverOptions } from "../options.ts";

/** What the remote driver's options say. */
export interface RemoteOptions {
  /** Absent means no TLS. */
  readonly tls?: TlsFiles;
  readonly defaultLoad: boolean;
}

/** @throws {BuildError} `invalid_argument` with docker buildx's words */
export function parseRemoteOptions(given: Readonly<Record<string, string>>): RemoteOptions {
  const options = new DriverOptions("remote", given);
  const path = (name: string) => {
    const value = options.take(name);
    if (value === undefined || isAbsolute(value)) return value;
    throw new BuildError("invalid_argument", `non-absolute path '${value}' provided for ${name}`);
  };
  const [ca, cert, key] = [path("cacert"), path("cert"), path("key")];
  const serverName = options.take("servername");
  const defaultLoad = options.takeBool("default-load", false);
  options.end();
  if ([ca, cert, key, serverName].every((value) => value === undefined)) return { defaultLoad };
  const missing = [
    ...(ca === undefined ? ["cacert"] : []),
    ...(cert === undefined && key !== undefined ? ["cert"] : []),
    ...(key === undefined && cert !== undefined ? ["key"] : []),
  ];
  if (missing.length > 0) {
    throw new BuildError("invalid_argument", `tls enabled, but missing keys ${missing.join(", ")}`);
  }
  return { tls: { ca, cert, key, serverName }, defaultLoad };
}
