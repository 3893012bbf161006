import { existsSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { connectErrorText } from "../../../base/errors/mod.ts";

/** Where Docker Desktop shows a build. @param ref `builder/node/id` */
export function buildUrl(ref: string): string {
  return `docker-desktop://dashboard/build/${ref}`;
}

/** Largest answer that is taken. */
const maxAnswerBytes = 1024 * 1024;

/**
 * Hands a bundle of builds to Docker Desktop.
 * @returns where it shows them
 * @throws {Error} with buildx's words when there is no Docker Desktop, or when it does not take the bundle
 */
export async function uploadBundle(
  bundle: NodeJS.ReadableStream,
  options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly home: string;
    readonly signal: AbortSignal;
  },
): Promise<readonly string[]> {
  const socketPath = desktopSocket(options);
  const { status, text } = await post(bundle, socketPath, options.signal);
  if (status !== 200) throw new Error(`failed to import build: ${text}`);
  let refs: unknown;
  try {
    refs = JSON.parse(text);
  } catch (cause) {
    throw new Error("failed to decode response", { cause });
  }
  if (refs === null) return [];
  if (!Array.isArray(refs)) throw new Error("failed to decode response: it is no list");
  return refs.map((ref) => buildUrl(`.imported/_/${String(ref)}`));
}

function desktopSocket({ env, home }: Parameters<typeof uploadBundle>[1]): string {
  const name = "docker-desktop-build.sock";
  if (!env["WSL_DISTRO_NAME"]) return join(env["HOME"] || home, ".docker/desktop", name);
  const socket = join("/mnt/wsl/docker-desktop/shared-sockets/host-services", name);
  if (existsSync(socket)) return socket;
  throw new Error(
    "Docker Desktop Build backend is not yet supported on WSL. Please run this command on Windows host instead.",
  );
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function post(body: NodeJS.ReadableStream, socketPath: string, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const fail = (cause: unknown) => {
    const why = `Post "http://docker-desktop/upload": dial unix ${socketPath}: ${connectErrorText(cause)}`;
    reject(new Error(`failed to send request, check if Docker Desktop is running: ${why}`, { cause }));
  };
  const sent = request({
    socketPath,
    method: "POST",
    path: "/upload",
    headers: { host: "docker-desktop" },
    agent: false,
    signal,
  });
  sent.once("error", fail);
  sent.once("response", (response) => {
    answerOf(response).then(resolve, reject);
  });
  body.once("error", (error) => sent.destroy(error));
  body.pipe(sent);
  return await promise;
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > maxAnswerBytes) throw new Error("the answer is too large");
  }
  return { status: response.statusCode ?? 0, text };
}
