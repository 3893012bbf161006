import { resolve } from "node:path";
import { BuildError } from "../../base/errors/mod.ts";

/** Where an engine listens. */
export type ListenAddress =
  | { readonly type: "unix"; readonly text: string; readonly path: string }
  /** `host` empty: every interface. Port 0: one that is free. */
  | { readonly type: "tcp"; readonly text: string; readonly host: string; readonly port: number }
  /** A socket that whoever started the engine (systemd) has opened: a descriptor's number, a name, or empty for the first. */
  | { readonly type: "fd"; readonly text: string; readonly name: string };

/** Longest path of a unix socket in bytes, a limit of the kernel's. */
const socketPathLimit = 107;

/**
 * Parses `unix://PATH`, `tcp://HOST:PORT`, `fd://[NAME or NUMBER]`.
 * @throws {BuildError} in buildkitd's words
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, scheme, rest = ""] = /^([^:/]*):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === undefined) throw invalid(`address ${text} does not contain proto, you meant unix://${text} ?`);
  switch (scheme) {
    case "unix": {
      if (rest === "")
        throw invalid(`address ${text} has no path: want for instance unix:///run/polyarch/polyarchd.sock`);
      const path = resolve(rest);
      if (Buffer.byteLength(path) <= socketPathLimit) return { type: "unix", text, path };
      throw invalid(`address ${text}: the path has more than ${socketPathLimit} bytes, which the kernel refuses`);
    }
    case "tcp": {
      const [, bracketed, plain = "", portText] = /^(?:\[([\da-fA-F:.]+)\]|([^:[\]/]*)):(\d{1,5})$/.exec(rest) ?? [];
      const port = Number(portText ?? Number.NaN);
      if (!(port <= 65_535)) throw invalid(`address ${text}: want tcp://HOST:PORT, for instance tcp://0.0.0.0:1234`);
      return { type: "tcp", text, host: bracketed ?? plain, port };
    }
    case "fd":
      return { type: "fd", text, name: rest };
    default:
      throw invalid(`addr ${text} not supported: want unix://, tcp:// or fd://`);
  }
}

const invalid = (message: string) => new BuildError("invalid_argument", message);
