import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { type Agent, keyAgent, parsePrivateKey, type SigningKey, signingKey, socketAgent } from "../../sshagent/mod.ts";
import { parseSsh } from "./parse-ssh.ts";

/** No key has so many bytes. */
const maxKeyBytes = 100 * 1024;

/** ssh agents by id. */
export type Agents = Readonly<Record<string, Agent>>;

/**
 * Opens what the values of `--ssh` name, so that a mistake is told before anything is built.
 * @throws {BuildError} in docker buildx's words
 */
export async function openAgents(
  values: readonly string[],
  { env, cwd }: { readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string },
): Promise<Agents> {
  const agents = new Map<string, Agent>();
  for (const { id, paths } of values.map(parseSsh)) {
    if (agents.has(id)) throw invalid(`invalid duplicate ID ${id}`);
    const given = paths.length > 0 ? paths : [env["SSH_AUTH_SOCK"] ?? ""];
    if (given[0] === "") throw invalid("invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
    agents.set(id, await openAgent(given.map((path) => resolve(cwd, path))));
  }
  return Object.fromEntries(agents);
}

async function openAgent(paths: readonly string[]): Promise<Agent> {
  const sockets: string[] = [];
  const keys: SigningKey[] = [];
  for (const path of paths) {
    const found = await stat(path).catch((cause: unknown) => {
      throw new BuildError("not_found", `failed to open ${path}: ${messageOf(cause)}`, { cause });
    });
    if (found.isSocket()) sockets.push(path);
    else if (found.isFile() && found.size <= maxKeyBytes) keys.push(await readKey(path));
    else throw invalid(`failed to parse ${path}: not a private key`);
  }
  const [socket, second] = sockets;
  if (second !== undefined) throw invalid("only single socket allowed");
  if (socket !== undefined && keys.length > 0) throw invalid("invalid combination of keys and sockets");
  return socket === undefined ? keyAgent(keys) : socketAgent(socket);
}

async function readKey(path: string): Promise<SigningKey> {
  try {
    return signingKey(parsePrivateKey(await readFile(path, "utf8")), path);
  } catch (cause) {
    throw new BuildError("invalid_argument", `failed to parse ${path}: ${messageOf(cause)}`, { cause });
  }
}

const invalid = (message: string) => new BuildError("invalid_argument", message);
