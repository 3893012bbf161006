import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../base/errors/mod.ts";
import type { FlagTable, FlagValues } from "../cli/flags/flag.ts";
import { parseFlags } from "../cli/flags/parse.ts";
import { UsageError } from "../cli/flags/usage-error.ts";
import { renderFlags } from "../cli/help/help.ts";
import { type Dial, dialAddress } from "../client/dial.ts";
import type { TlsFiles } from "../client/tls.ts";
import type { Call, Command } from "./buildctl/command.ts";
import { commandFlags, commands } from "./buildctl/commands.ts";
import { version } from "./version.ts";

/** What every command takes. */
const table = {
  addr: {
    kind: "string",
    usage: "Engine's address: unix://PATH or tcp://HOST:PORT [$BUILDKIT_HOST] (default: the socket that is there)",
  },
  tlsservername: { kind: "string", usage: "Name that the engine's certificate must have" },
  tlscacert: { kind: "string", usage: "CA certificate to verify the engine with" },
  tlscert: { kind: "string", usage: "Client certificate" },
  tlskey: { kind: "string", usage: "Client key" },
  tlsdir: { kind: "string", usage: "Directory with ca.pem, cert.pem and key.pem, or ca.crt, tls.crt and tls.key" },
  timeout: { kind: "int", usage: "Seconds to wait for a connection (default 5)" },
  debug: { kind: "bool", usage: "Enable debug output in logs" },
  version: { kind: "bool", usage: "Print the version" },
  help: { kind: "bool", short: "h", usage: "Show this help" },
} as const satisfies FlagTable;
type Values = FlagValues<typeof table>;

const buildkitSocket = "/run/buildkit/buildkitd.sock";
const ownSocket = "/run/polyarch/polyarchd.sock";
const defaultTimeoutSeconds = 5;

/** What docker buildx and people's scripts run inside an engine's container or on its machine. */
async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { values, given, args } = parseFlags<typeof table & FlagTable>({ ...commandFlags, ...table }, argv);
  if (values.version) return void process.stdout.write(`buildctl polyarch v${version}\n`);
  const { name, command, rest } = findCommand(args);
  if (values.help || args.length === 0) return void process.stdout.write(helpOf(name, command));
  if (!command) {
    throw new UsageError(`buildctl ${args.join(" ")}: not supported: to build, use polyarch or docker buildx instead`);
  }
  const foreign = [...given].find((flag) => !Object.hasOwn(table, flag) && !Object.hasOwn(command.flags, flag));
  if (foreign !== undefined) throw new UsageError(`unknown flag: --${foreign}, for buildctl ${name}`);
  if (command.argument && rest.length === 0) throw new UsageError(command.argument.missing);
  const surplus = rest[command.argument ? 1 : 0];
  if (surplus !== undefined) throw new UsageError(`buildctl ${name}: one argument too many: ${surplus}`);
  const run = await command.load();
  const { BuildKitClient, connect } = await import("../client/mod.ts");
  const promptly = deadline(values);
  const open: Dial = ({ signal }) => dial({ signal: AbortSignal.any([signal, promptly]) });
  const dial = dialAddress(addressOf(values, env), { tls: tlsFiles(values) });
  await using client = new BuildKitClient(connect({ open }));
  await run({
    open,
    client,
    args: rest,
    flags: flagsOf(values),
    promptly,
    write: (text) => void process.stdout.write(text),
  });
}

/** The command that the arguments begin with; the longest name counts. */
function findCommand(args: readonly string[]): {
  readonly name: string;
  readonly command: Command | undefined;
  readonly rest: readonly string[];
} {
  for (const length of [2, 1]) {
    const name = args.slice(0, length).join(" ");
    if (Object.hasOwn(commands, name)) return { name, command: commands[name], rest: args.slice(length) };
  }
  return { name: "", command: undefined, rest: args };
}

function helpOf(name: string, command: Command | undefined): string {
  const argumentOf = ({ argument }: Command) => (argument ? ` ${argument.word}` : "");
  if (command) {
    const own = Object.keys(command.flags).length > 0 ? `Options:\n${renderFlags(command.flags)}\n` : "";
    return `${command.usage}\n\nUsage:  buildctl [OPTIONS] ${name}${argumentOf(command)}\n\n${own}Options of all commands:\n${renderFlags(table)}`;
  }
  const lines = Object.entries(commands).map(
    ([each, one]) => `  buildctl [OPTIONS] ${`${each}${argumentOf(one)}`.padEnd(20)} ${one.usage}\n`,
  );
  return `buildctl: the part of BuildKit's command that looks after an engine. To build, use polyarch or docker buildx.

Usage:
${lines.join("")}
Options:
${renderFlags(table)}`;
}

function flagsOf(values: Readonly<Record<string, unknown>>): Call["flags"] {
  return {
    text: (name) => (values[name] as string | undefined) ?? "",
    isOn: (name) => values[name] === true,
    list: (name) => (values[name] as readonly string[] | undefined) ?? [],
    duration: (name) => (values[name] as number | undefined) ?? 0,
  };
}

/** Aborts when it takes too long to reach the engine. */
function deadline({ timeout = defaultTimeoutSeconds }: Values): AbortSignal {
  return timeout > 0 ? AbortSignal.timeout(timeout * 1000) : new AbortController().signal;
}

function addressOf({ addr }: Values, env: NodeJS.ProcessEnv): string {
  return addr || env["BUILDKIT_HOST"] || `unix://${existsSync(buildkitSocket) ? buildkitSocket : ownSocket}`;
}

/** @throws {UsageError} when files are named twice */
function tlsFiles(values: Values): TlsFiles {
  const { tlsdir, tlscacert, tlscert, tlskey, tlsservername } = values;
  if (tlsdir !== "" && (tlscacert || tlscert || tlskey)) {
    throw new UsageError("cannot specify tlsdir and tlscacert/tlscert/tlskey at the same time");
  }
  const inDirectory = (...names: string[]): string | undefined =>
    tlsdir === "" ? undefined : names.map((name) => join(tlsdir, name)).find((path) => existsSync(path));
  return {
    ca: tlscacert || inDirectory("ca.pem", "ca.crt"),
    cert: tlscert || inDirectory("cert.pem", "tls.crt"),
    key: tlskey || inDirectory("key.pem", "tls.key"),
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
