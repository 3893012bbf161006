import { spawn } from "node:child_process";
import { once } from "node:events";
import { BuildError, messageOf } from "../base/errors/mod.ts";

/** What a helper answers. `username` is `<token>` when the secret is an identity token. */
export interface HelperAnswer {
  readonly username: string;
  readonly secret: string;
}

const outputLimitBytes = 1024 * 1024;
const timeoutMs = 60_000;

/**
 * Asks `docker-credential-<helper> get` for the login of `registry`; `undefined` when it has none.
 * @throws {BuildError} with Docker's words, when the helper is missing, fails, or answers nonsense
 * @see https://github.com/docker/docker-credential-helpers (the protocol)
 */
export async function askCredentialHelper(
  helper: string,
  registry: string,
  options: { env: Readonly<Record<string, string | undefined>>; signal: AbortSignal },
): Promise<HelperAnswer | undefined> {
  const { program, found, text } = await ask(helper, "get", registry, registry, options);
  return found ? decodeAnswer(text, program, registry) : undefined;
}

/** Gives a login to `docker-credential-<helper> store`. `username` is `<token>` when the secret is an identity token. */
export async function storeInCredentialHelper(
  helper: string,
  registry: string,
  login: HelperAnswer,
  options: { env: Readonly<Record<string, string | undefined>>; signal: AbortSignal },
): Promise<void> {
  const { username, secret } = login;
  const input = JSON.stringify({ ServerURL: registry, Username: username, Secret: secret });
  await ask(helper, "store", registry, input, options);
}

/** Lets `docker-credential-<helper> erase` forget a login; one that it does not have is no failure. */
export async function eraseFromCredentialHelper(
  helper: string,
  registry: string,
  options: { env: Readonly<Record<string, string | undefined>>; signal: AbortSignal },
): Promise<void> {
  await ask(helper, "erase", registry, registry, options);
}

async function ask(
  helper: string,
  verb: Verb,
  registry: string,
  input: string,
  options: { env: Readonly<Record<string, string | undefined>>; signal: AbortSignal },
): Promise<{ readonly program: string; readonly found: boolean; readonly text: string }> {
  const program = `docker-credential-${helper}`;
  const fail: Fail = (why, cause) => failed({ program, verb, registry }, why, cause);
  if (!/^[A-Za-z0-9._-]+$/.test(helper)) throw fail(`"${helper}" is not the name of a helper`);
  const { code, stdout, stderr } = await run(program, verb, input, { ...options, fail });
  const text = stdout.trim();
  if (code === 0) return { program, found: true, text };
  if (verb !== "store" && /credentials not found in native keychain/i.test(text))
    return { program, found: false, text };
  throw fail(`exit status ${code}, out: \`${firstOf(text, stderr.trim())}\``);
}

function decodeAnswer(text: string, program: string, registry: string): HelperAnswer | undefined {
  let answer: { Username?: unknown; Secret?: unknown } | null;
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    throw failed({ program, verb: "get", registry }, "its answer is not JSON"); // not shown: it may hold the secret
  }
  const { Username: username, Secret: secret } = answer ?? {};
  if (typeof username !== "string" || typeof secret !== "string")
    throw failed({ program, verb: "get", registry }, "its answer lacks Username or Secret");
  return username === "" && secret === "" ? undefined : { username, secret };
}

async function run(
  program: string,
  verb: Verb,
  input: string,
  options: { env: Readonly<Record<string, string | undefined>>; signal: AbortSignal; fail: Fail },
): Promise<{ code: number; stdout: string; stderr: string }> {
  options.signal.throwIfAborted();
  const late = AbortSignal.timeout(timeoutMs);
  const child = spawn(program, [verb], {
    env: options.env as NodeJS.ProcessEnv,
    stdio: ["pipe", "pipe", "pipe"],
    signal: AbortSignal.any([options.signal, late]),
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      if (texts[name].length < outputLimitBytes) texts[name] += chunk;
    });
  }
  child.stdin.on("error", () => undefined); // it may leave without reading
  child.stdin.end(input);
  try {
    const [code] = (await once(child, "close")) as [number | null];
    return { code: code ?? -1, ...texts };
  } catch (cause) {
    options.signal.throwIfAborted();
    if (late.aborted) throw options.fail(`no answer within ${timeoutMs / 1000} s`);
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      throw options.fail(
        `exec: "${program}": executable file not found in $PATH: install it, or remove it from Docker's config.json`,
      );
    }
    throw options.fail(messageOf(cause), cause);
  }
}

function firstOf(...texts: string[]): string {
  return texts.find((text) => text !== "")?.slice(0, 500) ?? "";
}

type Verb = "get" | "store" | "erase";
type Fail = (why: string, cause?: unknown) => BuildError;

function failed(
  { program, verb, registry }: { program: string; verb: Verb; registry: string },
  why: string,
  cause?: unknown,
): BuildError {
  const message =
    verb === "get"
      ? `error getting credentials for "${registry}" from ${program} - err: ${why}`
      : `error ${verb === "store" ? "storing" : "erasing"} credentials for "${registry}" with ${program} - err: ${why}`;
  return new BuildError("unauthenticated", message, { cause });
}
