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
  const program = `docker-credential-${helper}`;
  if (!/^[A-Za-z0-9._-]+$/.test(helper)) throw failed(program, registry, `"${helper}" is not the name of a helper`);
  const { code, stdout, stderr } = await run(program, registry, options);
  const text = stdout.trim();
  if (code !== 0) {
    if (/credentials not found in native keychain/i.test(text)) return undefined;
    throw failed(program, registry, `exit status ${code}, out: \`${firstOf(text, stderr.trim())}\``);
  }
  return decodeAnswer(text, program, registry);
}

function decodeAnswer(text: string, program: string, registry: string): HelperAnswer | undefined {
  let answer: { Username?: unknown; Secret?: unknown } | null;
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    throw failed(program, registry, "its answer is not JSON"); // not shown: it may hold the secret
  }
  const { Username: username, Secret: secret } = answer ?? {};
  if (typeof username !== "string" || typeof secret !== "string")
    throw failed(program, registry, "its answer lacks Username or Secret");
  return username === "" && secret === "" ? undefined : { username, secret };
}

async function run(
  program: string,
  input: string,
  options: { env: Readonly<Record<string, string | undefined>>; signal: AbortSignal },
): Promise<{ code: number; stdout: string; stderr: string }> {
  options.signal.throwIfAborted();
  const late = AbortSignal.timeout(timeoutMs);
  const child = spawn(program, ["get"], {
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
    if (late.aborted) throw failed(program, input, `no answer within ${timeoutMs / 1000} s`);
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      throw failed(
        program,
        input,
        `exec: "${program}": executable file not found in $PATH: install it, or remove it from Docker's config.json`,
      );
    }
    throw failed(program, input, messageOf(cause), cause);
  }
}

function firstOf(...texts: string[]): string {
  return texts.find((text) => text !== "")?.slice(0, 500) ?? "";
}

function failed(program: string, registry: string, why: string, cause?: unknown): BuildError {
  return new BuildError(
    "unauthenticated",
    `error getting credentials for "${registry}" from ${program} - err: ${why}`,
    { cause },
  );
}
