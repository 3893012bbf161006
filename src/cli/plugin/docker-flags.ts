import { basename, dirname } from "node:path";
import type { FlagTable } from "../flags/flag.ts";
import { parseFlags, takesNext } from "../flags/parse.ts";
import { UsageError } from "../flags/usage-error.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The flags that docker's CLI has before a command's name, and hands on to its plugins. */
const dockerFlags = {
  config: { kind: "string", usage: "Location of client config files" },
  context: { kind: "string", short: "c", usage: "Name of the context to use to connect to the daemon" },
  debug: { kind: "bool", short: "D", usage: "Enable debug mode" },
  host: { kind: "array", short: "H", usage: "Daemon socket to connect to" },
  "log-level": { kind: "string", short: "l", default: "info", usage: "Set the logging level" },
  tls: { kind: "bool", usage: "Use TLS; implied by --tlsverify" },
  tlscacert: { kind: "string", usage: "Trust certs signed only by this CA" },
  tlscert: { kind: "string", usage: "Path to TLS certificate file" },
  tlskey: { kind: "string", usage: "Path to TLS key file" },
  tlsverify: { kind: "bool", usage: "Use TLS and verify the remote" },
} as const satisfies FlagTable;

/** Where the first word stands that is no flag of docker's; the length of `argv` when there is none. */
export function firstWord(argv: readonly string[]): number {
  let at = 0;
  while (at < argv.length && argv[at]?.startsWith("-")) at += takesNext(dockerFlags, argv[at] as string) ? 2 : 1;
  return Math.min(at, argv.length);
}

/**
 * What docker's own flags mean for us: the variables that say the same.
 * @throws {UsageError} when there is no variable that does
 */
export function applyDockerFlags(argv: readonly string[], env: Env): { readonly env: Env; readonly debug: boolean } {
  const { values, given } = parseFlags(dockerFlags, argv);
  const changed: Record<string, string | undefined> = { ...env };
  if (values.config !== "") changed.DOCKER_CONFIG = values.config;
  const [host] = values.host;
  if (host !== undefined) {
    changed.DOCKER_HOST = host;
    delete changed.DOCKER_CONTEXT;
  }
  if (values.context !== "") {
    changed.DOCKER_CONTEXT = values.context;
    delete changed.DOCKER_HOST;
  }
  if (given.has("tls")) changed.DOCKER_TLS = values.tls ? "1" : "";
  if (given.has("tlsverify")) changed.DOCKER_TLS_VERIFY = values.tlsverify ? "1" : "";
  const certificates = certificateDirectory(values);
  if (certificates !== undefined) changed.DOCKER_CERT_PATH = certificates;
  return { env: changed, debug: values.debug || values["log-level"] === "debug" };
}

/** Files that lie together under the names that DOCKER_CERT_PATH expects. */
function certificateDirectory(
  values: Readonly<Record<"tlscacert" | "tlscert" | "tlskey", string>>,
): string | undefined {
  const wanted = { tlscacert: "ca.pem", tlscert: "cert.pem", tlskey: "key.pem" } as const;
  const files = Object.entries(wanted)
    .map(([flag, name]) => ({ path: values[flag as keyof typeof wanted], name }))
    .filter(({ path }) => path !== "");
  if (files.length === 0) return undefined;
  const directories = new Set(files.map(({ path }) => dirname(path)));
  if (directories.size > 1 || files.some(({ path, name }) => basename(path) !== name)) {
    throw new UsageError(
      "--tlscacert, --tlscert and --tlskey must be ca.pem, cert.pem and key.pem of one directory: name them so, or make a docker context with them (docker context create)",
    );
  }
  return [...directories][0];
}
