import { spawn } from "node:child_process";
import { once } from "node:events";
import { Duplex } from "node:stream";

/** What {@link openCommandStream} wants to know. */
export interface CommandStreamOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Only for starting; the stream lives on. */
  readonly signal: AbortSignal;
}

/** A program's stdin and stdout. */
export type CommandStream = Duplex & { ref(): void; unref(): void };

/** A program has failed that a stream led through; the message has what it said on stderr. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
}

/** How much of what a program says on stderr is kept for the error that it ends with. */
const maxStderrBytes = 8 * 1024;

/** How long a program may take to leave after its stdin was closed. */
const leaveMs = 1_000;

/**
 * Starts a program and gives its stdin and stdout as one stream. Ending the stream closes stdin; the end of stdout ends it. When the program fails,
 * the stream fails with a {@link CommandFailure}. Destroying the stream ends the program. Like a socket's, its `unref()` lets this process end meanwhile.
 * @throws {Error} when the program cannot be started
 */
export async function openCommandStream(
  command: string,
  args: readonly string[],
  options: CommandStreamOptions,
): Promise<CommandStream> {
  options.signal.throwIfAborted();
  const child = spawn(command, args, { env: options.env ?? process.env, stdio: ["pipe", "pipe", "pipe"] });
  await once(child, "spawn");
  const { stdin, stdout, stderr } = child;
  let said = "";
  stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-maxStderrBytes);
  });
  const stream = new Duplex({
    read: () => void stdout.resume(),
    write: (chunk: Uint8Array, _encoding, done) => {
      if (stdin.write(chunk)) done();
      else stdin.once("drain", done);
    },
    final: (done) => void stdin.end(done),
    destroy: (error, done) => {
      stdin.destroy();
      stdout.destroy();
      stderr.destroy();
      const timer = setTimeout(() => child.kill("SIGKILL"), leaveMs).unref();
      child.once("exit", () => clearTimeout(timer));
      child.kill("SIGTERM");
      done(error);
    },
  });
  stdin.on("error", () => undefined); // its end is told by stdout and the exit
  stdout.on("data", (chunk: Uint8Array) => {
    if (!stream.push(chunk)) stdout.pause();
  });
  stdout.pause();
  child.once("close", (code, signalName) => {
    if (stream.destroyed) return;
    if (code === 0) stream.push(null);
    else stream.destroy(new CommandFailure(failure(command, code ?? signalName, said)));
  });
  const handles = [child, stdin, stdout, stderr] as unknown as readonly { ref(): void; unref(): void }[];
  return Object.assign(stream, {
    ref: () => handles.forEach((handle) => handle.ref()),
    unref: () => handles.forEach((handle) => handle.unref()),
  });
}

function failure(command: string, status: number | string | null, said: string): string {
  const text = said.trim();
  return `command [${command}] has exited with ${typeof status === "number" ? `exit status ${status}` : `signal ${status}`}${text === "" ? "" : `, stderr=${text}`}`;
}
