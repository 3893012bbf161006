import { credentialsFromDocker, dockerHubKey, loadDockerConfig, loginKey, storeLogin } from "../../docker/mod.ts";
import { logIn } from "../../registry/mod.ts";
import type { Invocation } from "../command.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../flags/usage-error.ts";
import { prompt } from "../prompt.ts";
import type { loginFlags } from "./login.ts";

interface UserAndPassword {
  readonly username: string;
  readonly password: string;
}

/** Runs `login [SERVER]`. */
export async function runLogin(invocation: Invocation<typeof loginFlags>): Promise<number> {
  const { context, args } = invocation;
  refuseContradictions(invocation);
  const key = serverKey(args[0] ?? "");
  const given = await givenLogin(invocation);
  const known = given ? undefined : await knownLogin(key, context);
  if (known) {
    context.stderr.write(`Authenticating with existing credentials... [Username: ${known.username}]\n`);
    context.stderr.write(
      `\n Info -> To login with a different account, run '${context.program} logout' followed by '${context.program} login'\n\n`,
    );
    try {
      return await tryAndKeep(key, known, context);
    } catch (error) {
      context.stderr.write(`Login did not succeed, error: ${(error as Error).message}\n`);
    }
  }
  return await tryAndKeep(key, given ?? (await askedLogin(invocation, key, known)), context);
}

/** @throws {UsageError} for what can be no registry's address */
function serverKey(server: string): string {
  const key = loginKey(server);
  if (key === dockerHubKey || /^(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.test(key)) return key;
  throw new UsageError(`invalid server address ${JSON.stringify(server)}: want host[:port], for instance ghcr.io`);
}

async function tryAndKeep(key: string, login: UserAndPassword, context: CliContext): Promise<number> {
  const host = key === dockerHubKey ? "docker.io" : key;
  const { identityToken } = await logIn(host, login, context);
  const { username } = login;
  const kept = await storeLogin(key, identityToken ? { username, identityToken } : login, context);
  if (kept.type === "file" && kept.isNew && !identityToken) {
    context.stderr.write(
      `\nWARNING! Your credentials are stored unencrypted in '${kept.path}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`,
    );
  }
  context.stdout.write("Login Succeeded\n");
  return 0;
}

function refuseContradictions({ flags, given }: Invocation<typeof loginFlags>): void {
  const fromStdin = given.has("password-stdin") || flags.password === "-";
  if (fromStdin && given.has("password") && flags.password !== "-") {
    throw new Error("conflicting options: cannot specify both --password and --password-stdin");
  }
  if (fromStdin && !given.has("username")) {
    throw new Error("the --password-stdin option requires --username to be set");
  }
  if (given.has("username") && flags.username === "") throw new Error("username is empty");
  if (given.has("password") && flags.password === "") throw new Error("password is empty");
}

/** What flags and standard input say, when that is all that is needed. */
async function givenLogin({ context, flags }: Invocation<typeof loginFlags>): Promise<UserAndPassword | undefined> {
  const { username } = flags;
  if (flags["password-stdin"] || flags.password === "-") {
    const password = await passwordFrom(context.stdin);
    if (password.trim() === "") throw new Error("password is empty");
    return { username, password };
  }
  if (flags.password === "") return undefined;
  context.stderr.write("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
  return username === "" ? undefined : { username, password: flags.password };
}

/** A whole stream as a password: one line end at its end does not belong to it. */
async function passwordFrom(stdin: CliContext["stdin"]): Promise<string> {
  let text = "";
  for await (const chunk of stdin) {
    text += chunk.toString();
    if (text.length > 1024 * 1024) throw new Error("password is too long");
  }
  return text.replace(/\r?\n$|\r$/, "");
}

/** The login that is kept, when it has a password and nobody says who wants to log in. */
async function knownLogin(key: string, { env, home, signal }: CliContext): Promise<UserAndPassword | undefined> {
  const host = key === dockerHubKey ? "docker.io" : key;
  const login = await credentialsFromDocker(await loadDockerConfig(env, home), { env }).for(host, { signal });
  return login && "username" in login && login.username !== "" && login.password !== "" ? login : undefined;
}

async function askedLogin(
  { context, flags }: Invocation<typeof loginFlags>,
  key: string,
  known: UserAndPassword | undefined,
): Promise<UserAndPassword> {
  if (!context.stdin.isTTY) throw new Error("Cannot perform an interactive login from a non TTY device");
  const hint = known ? ` (${known.username})` : "";
  if (flags.username === "" && key === dockerHubKey) {
    context.stdout.write("Log in with your Docker ID or email address to push and pull images from Docker Hub.\n");
  }
  const username = flags.username || (await prompt(`Username${hint}: `, context)) || (known?.username ?? "");
  if (username === "") throw new Error("username is empty");
  const password = flags.password || (await prompt("Password: ", context, { hidden: true }));
  if (password === "") throw new Error("password is empty");
  return { username, password };
}
