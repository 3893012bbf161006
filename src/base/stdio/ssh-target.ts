import { BuildError } from "../errors/mod.ts";

/** Where ssh goes to. */
export interface SshTarget {
  readonly user?: string | undefined;
  readonly host: string;
  readonly port?: number | undefined;
  /** Path of a unix socket there, when it is not the usual one. */
  readonly socket?: string | undefined;
}

/**
 * Parses `ssh://[user@]host[:port][/path/to/socket]`.
 * @throws {BuildError} `invalid_argument` for anything else: passwords, queries and fragments have no place
 */
export function parseSshTarget(text: string): SshTarget {
  const wrong = (what: string) => new BuildError("invalid_argument", `invalid SSH URL "${text}": ${what}`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong("want ssh://[user@]host[:port]");
  }
  if (url.protocol !== "ssh:") throw wrong(`expected scheme ssh, got ${url.protocol.slice(0, -1)}`);
  if (url.password !== "") throw wrong("plain-text password is not supported");
  if (url.hostname === "") throw wrong("no host specified");
  if (url.search !== "") throw wrong(`query parameters are not allowed: "${url.search.slice(1)}"`);
  if (url.hash !== "") throw wrong(`fragments are not allowed: "${url.hash.slice(1)}"`);
  const user = decodeURIComponent(url.username);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host.startsWith("-") || user.startsWith("-")) throw wrong("hosts and users do not begin with a dash");
  return {
    host,
    ...(user === "" ? {} : { user }),
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    ...(url.pathname === "" || url.pathname === "/" ? {} : { socket: decodeURIComponent(url.pathname) }),
  };
}

/** Arguments of the system's `ssh` that run `command` there, without a terminal. */
export function sshArguments({ user, host, port }: SshTarget, command: readonly string[]): string[] {
  return [
    ...(user === undefined ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    "-o",
    "ConnectTimeout=30",
    "-T",
    "--",
    host,
    ...command.map(shellWord),
  ];
}

/** ssh gives its words to a shell on the other side. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
