import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../base/errors/mod.ts";
import type { FlagTable, FlagValues } from "../cli/flags/flag.ts";
import { parseFlags } from "../cli/flags/parse.ts";
import { UsageError } from "../cli/flags/usage-error.ts";
import { renderFlags } from "../cli/help/help.ts";
import { dialAddress } from "../client/dial.ts";
import type { TlsFiles } from "../client/tls.ts";
import { version } from "./version.ts";

/** What docker buildx and people's scripts run inside an engine's container or on its machine. */
const table = {
  addr: {
    kind: "string",
    usage: "Engine's address: unix://PATH or tcp://HOST:PORT [$BUILDKIT_HOST] (default: the socket that is there)",
  },
  tlsservername: { kind: "string", usage: "Name that the engine's certificate must have" },
  tlscacert: { kind: "string", usage: "CA certificate to verify the engine with" },
  tlscert: { kind: "string", usage: "Client certificate" },
  tlskey: { kind: "string", usage: "Client key" },
  tlsdir: { kind: "string", usage: "Directory with ca.pem, cert.pem and key.pem" },
  timeout: { kind: "int", usage: "Seconds to wait for a connection (default 5)" },
  filter: { kind: "array", short: "f", usage: "debug workers: show workers that match, for instance id==ID" },
  format: { kind: "string", usage: "debug workers, debug info: format the output using the given Go template" },
  verbose: { kind: "bool", short: "v", usage: "debug workers: show everything" },
  debug: { kind: "bool", usage: "Enable debug output in logs" },
  version: { kind: "bool", usage: "Print the version" },
  help: { kind: "bool", short: "h", usage: "Show this help" },
} as const satisfies FlagTable;
type Values = FlagValues<typeof table>;

const buildkitSocket = "/run/buildkit/buildkitd.sock";
const ownSocket = "/run/polyarch/polyarchd.sock";
const defaultTimeoutSeconds = 5;

/** Flags that mean something to one command only. */
const ownFlags: Readonly<Record<string, readonly string[]>> = {
  "dial-stdio": [],
  "debug workers": ["filter", "format", "verbose"],
  "debug info": ["format"],
};

const help = `buildctl: the part of BuildKit's command that reaches an engine. To build, use polyarch or docker buildx.

Usage:
  buildctl [OPTIONS] dial-stdio       Proxy stdin and stdout to the engine
  buildctl [OPTIONS] debug workers    List workers
  buildctl [OPTIONS] debug info       Show the engine's version

Options:
${renderFlags(table)}`;

async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { values, given, args } = parseFlags(table, argv);
  if (values.version) return void process.stdout.write(`buildctl polyarch v${version}\n`);
  if (values.help || args.length === 0) return void process.stdout.write(help);
  const command = args.join(" ");
  const own = ownFlags[command];
  if (own === undefined) {
    throw new UsageError(
      `buildctl ${command}: not supported, only dial-stdio, debug workers and debug info are: use polyarch or docker buildx instead`,
    );
  }
  const foreign = ["filter", "format", "verbose"].find((name) => given.has(name) && !own.includes(name));
  if (foreign !== undefined) throw new UsageError(`unknown flag: --${foreign}, for buildctl ${command}`);
  const address =
    values.addr || env["BUILDKIT_HOST"] || `unix://${existsSync(buildkitSocket) ? buildkitSocket : ownSocket}`;
  const open = dialAddress(address, { tls: tlsFiles(values) });
  const timeoutMs = (values.timeout ?? defaultTimeoutSeconds) * 1000;
  const signal = timeoutMs > 0 ? AbortSignal.timeout(timeoutMs) : new AbortController().signal;
  if (command === "dial-stdio") {
    const { proxyStdio } = await import("./buildctl-dial-stdio.ts");
    return await proxyStdio(await open({ signal }), { stdin: process.stdin, stdout: process.stdout });
  }
  const { showInfo, showWorkers } = await import("./buildctl-debug.ts");
  process.stdout.write(
    command === "debug info"
      ? await showInfo(open, { format: values.format, signal })
      : await showWorkers(open, { format: values.format, filter: values.filter, verbose: values.verbose, signal }),
  );
}

/** @throws {UsageError} when files are named twice */
function tlsFiles(values: Values): TlsFiles {
  const { tlsdir, tlscacert, tlscert, tlskey, tlsservername } = values;
  if (tlsdir !== "" && (tlscacert || tlscert || tlskey)) {
    throw new UsageError("cannot specify tlsdir and tlscacert/tlscert/tlskey at the same time");
  }
  const inDirectory = (name: string): string | undefined => {
    const path = join(tlsdir, name);
    return tlsdir !== "" && existsSync(path) ? path : undefined;
  };
  return {
    ca: tlscacert || inDirectory("ca.pem"),
    cert: tlscert || inDirectory("cert.pem"),
    key: tlskey || inDirectory("key.pem"),
    serverName: tlsservername || undefined,
  };
}

// An engine that has left says so by the end of the stream; a reader that has left is no failure worth a stack trace.
process.stdout.on("error", () => process.exit(1));
main(process.argv.slice(2), process.env).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exit(1);
  },
);
