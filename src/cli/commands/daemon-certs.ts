import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { join, relative, resolve } from "node:path";
import { makeDirectory } from "../../base/files/mod.ts";
import { asBuildError, BuildError, messageOf } from "../../base/errors/mod.ts";
import { type Authority, createAuthority, type KeyPair, loadAuthority } from "../../certificates/mod.ts";
import type { Invocation } from "../command.ts";
import { UsageError } from "../flags/usage-error.ts";

const dayMs = 24 * 60 * 60 * 1000;
const authorityDays = 3650;
/** What every client accepts. */
const usualDays = 825;
/** Clocks of other machines may be behind ours. */
const clockSlackMs = 60 * 60 * 1000;

/** The flags of `daemon certs`, as the table says. */
interface CertsFlags {
  readonly san: readonly string[];
  readonly client: string;
  readonly days: number | undefined;
  readonly force: boolean;
}

/**
 * Runs `daemon certs [DIRECTORY]`: `ca.pem`, `ca-key.pem`, and under `daemon/` and `client/` each `ca.pem`, `cert.pem`, `key.pem`. An
 * authority that is there already is used again, so that more engines and clients can join.
 */
export async function runCerts(
  invocation: Omit<Invocation, "flags"> & { readonly flags: CertsFlags },
): Promise<number> {
  const { context, flags, args, given } = invocation;
  const directory = resolve(context.cwd, args[0] ?? ".certs");
  const names = given.has("san") ? flags.san : [hostname(), "localhost", "127.0.0.1", "::1"];
  for (const name of names) checkName(name);
  const days = flags.days ?? usualDays;
  if (days < 1 || days > authorityDays) {
    throw new UsageError(`invalid --days ${days}: want 1 to ${authorityDays}, the authority's own life`);
  }
  if (flags.client.trim() === "") throw new UsageError("--client wants a name");
  const now = context.now();
  const from = new Date(now.getTime() - clockSlackMs);
  const until = new Date(now.getTime() + days * dayMs);

  const [daemon, client] = [join(directory, "daemon"), join(directory, "client")];
  const present = [daemon, client].flatMap((path) => ["cert.pem", "key.pem"].map((name) => join(path, name)));
  const taken = present.find((path) => existsSync(path));
  if (taken !== undefined && !flags.force) {
    throw new BuildError(
      "already_exists",
      `${taken} is there already: give another directory, or --force to overwrite`,
    );
  }
  const authority = await openAuthority(directory, { from, now });
  const server = authority.issue({ purpose: "server", commonName: names[0] ?? "polyarchd", names, from, until });
  await writePair(daemon, server, { ca: authority.cert });
  const person = authority.issue({ purpose: "client", commonName: flags.client, from, until });
  await writePair(client, person, { ca: authority.cert });
  const shown = relative(context.cwd, directory) || ".";
  context.stdout.write(explain(shown.startsWith("..") ? directory : shown, names));
  return 0;
}

function checkName(name: string): void {
  if (isIP(name) !== 0 || /^(?:\*\.)?(?:[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?\.?)+$/i.test(name)) return;
  throw new UsageError(
    `invalid --san ${JSON.stringify(name)}: want DNS names or IP addresses, without scheme and port`,
  );
}

/** The authority of this directory: the one that is there, or a new one. */
async function openAuthority(directory: string, times: { from: Date; now: Date }): Promise<Authority> {
  const files = { cert: join(directory, "ca.pem"), key: join(directory, "ca-key.pem") };
  if (existsSync(files.cert) !== existsSync(files.key)) {
    const [there, missing] = existsSync(files.cert) ? [files.cert, files.key] : [files.key, files.cert];
    throw new BuildError("failed_precondition", `${there} is there but not ${missing}: give another directory`);
  }
  if (!existsSync(files.cert)) {
    const until = new Date(times.now.getTime() + (authorityDays + 1) * dayMs);
    const authority = createAuthority({ commonName: "Polyarch engines", from: times.from, until });
    await makeDirectory(directory, { mode: 0o700 });
    await write(files.key, authority.key, 0o600);
    try {
      await write(files.cert, authority.cert, 0o644);
    } catch (error) {
      await rm(files.key, { force: true }); // one without the other is of no use, and in the way of the next attempt
      throw error;
    }
    return authority;
  }
  try {
    const pair = { cert: await readFile(files.cert, "utf8"), key: await readFile(files.key, "utf8") };
    if (new X509Certificate(pair.cert).validToDate < times.now) throw new Error("its certificate has expired");
    return loadAuthority(pair);
  } catch (cause) {
    throw new BuildError("failed_precondition", `cannot use the authority in ${directory}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function writePair(directory: string, pair: KeyPair, { ca }: { ca: string }): Promise<void> {
  await makeDirectory(directory, { mode: 0o700 });
  await write(join(directory, "key.pem"), pair.key, 0o600);
  await write(join(directory, "cert.pem"), pair.cert, 0o644);
  await write(join(directory, "ca.pem"), ca, 0o644);
}

/** Whole or not at all. */
async function write(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(`${path}.new`, text, { mode });
    await rename(`${path}.new`, path);
  } catch (cause) {
    await rm(`${path}.new`, { force: true });
    const { code } = asBuildError(cause);
    throw new BuildError(code, `cannot write ${path}: ${messageOf(cause)}`, { cause });
  }
}

function explain(directory: string, names: readonly string[]): string {
  const host = names.find((name) => isIP(name) === 0 && name !== "localhost") ?? names[0] ?? "HOST";
  const server = ["ca", "cert", "key"].map(
    (name) => `--tls${name === "ca" ? "cacert" : name} ${directory}/daemon/${name}.pem`,
  );
  const absolute = directory.startsWith("/") ? directory : `$PWD/${directory}`;
  const client = ["ca", "cert", "key"].map(
    (name) => `${name === "ca" ? "cacert" : name}=${absolute}/client/${name}.pem`,
  );
  return `Wrote ${directory}/: an authority, and certificates for ${names.join(", ")} and for a client.

On the engine's machine (with ${directory}/daemon):
  polyarchd --addr tcp://0.0.0.0:1234 ${server.join(" ")}
On clients (with ${directory}/client):
  polyarch create --driver remote --driver-opt ${client.join(",")} tcp://${host.includes(":") ? `[${host}]` : host}:1234
Keep ${directory}/ca-key.pem to yourself: it makes certificates for more engines and clients.
`;
}
