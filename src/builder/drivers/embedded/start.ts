import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, renameSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { makeDirectory } from "../../../base/files/mod.ts";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { readLogTail } from "./log-tail.ts";
import type { EnginePaths } from "./paths.ts";

/** What starting an engine needs. */
export interface StartOptions {
  readonly command: string;
  readonly paths: EnginePaths;
  readonly idleTimeout: string;
  /** How long it may take until the engine answers. */
  readonly timeoutMs: number;
  /** Whether an engine answers. */
  readonly answers: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** A log that has grown beyond this is put aside when the next engine starts. */
const logLimitBytes = 8 * 1024 * 1024;
/** How often we look whether the engine answers. */
const pollMs = 15;

/**
 * Starts an engine that outlives this process, and returns when it answers. Two clients that do this at once start one engine: whoever has the
 * lock starts it, the other one waits for it.
 * @throws {BuildError} with the end of the engine's log when it does not come up
 */
export async function startEngine(options: StartOptions): Promise<void> {
  const { paths, signal } = options;
  await makeDirectory(paths.root, { mode: 0o711 });
  const lock = openSync(`${paths.root}/polyarchd.start.lock`, "w", 0o600);
  try {
    const { tryLock } = await import("../../../base/sys/mod.ts");
    const deadline = Date.now() + options.timeoutMs;
    while (!tryLock(lock)) {
      if (await options.answers()) return;
      if (Date.now() > deadline)
        throw await notStarted(options, 0, "another polyarch is starting it and does not get on");
      await sleep(pollMs, undefined, { signal });
    }
    if (await options.answers()) return; // whoever had the lock before us has started it
    await startAndWait(options, deadline);
  } finally {
    closeSync(lock); // which unlocks
  }
}

async function startAndWait(options: StartOptions, deadline: number): Promise<void> {
  const { paths, signal } = options;
  const logStart = rotateLog(paths.log);
  const log = openSync(paths.log, "a", 0o600);
  let child: ChildProcess;
  try {
    child = spawn(
      options.command,
      ["--addr", `unix://${paths.socket}`, "--root", paths.root, "--idle-timeout", options.idleTimeout],
      { cwd: "/", detached: true, stdio: ["ignore", log, log] },
    );
  } finally {
    closeSync(log);
  }
  let ended: string | undefined;
  child.once("error", (error) => (ended = messageOf(error)));
  child.once(
    "exit",
    (code, byItsSignal) =>
      (ended ??= byItsSignal === null ? `it exited with ${code}` : `it was ended by ${byItsSignal}`),
  );
  child.unref();
  for (;;) {
    if (await options.answers()) return;
    if (ended !== undefined) throw await notStarted(options, logStart, ended);
    if (Date.now() > deadline) {
      child.kill("SIGTERM");
      throw await notStarted(options, logStart, `it did not answer within ${options.timeoutMs / 1000} s`);
    }
    try {
      await sleep(pollMs, undefined, { signal });
    } catch (error) {
      child.kill("SIGTERM"); // nobody waits for it any more
      throw error;
    }
  }
}

/** @returns where the lines of the engine that is about to start begin */
function rotateLog(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= logLimitBytes) return size;
  renameSync(path, `${path}.1`);
  return 0;
}

/** Nothing at all is said where there is no room to write it down. */
async function whySilent(root: string): Promise<string> {
  const { bavail, bsize } = await statfs(root);
  return bavail * bsize > 64 * 1024 ? "" : `: no space left on device: the disk of ${root} is full, make room there`;
}

async function notStarted({ paths, command }: StartOptions, from: number, why: string): Promise<BuildError> {
  const tail = await readLogTail(paths.log, { from, lines: 15 });
  const said =
    tail === "" ? await whySilent(paths.root) : `\n\nThe last lines of ${paths.log}:\n${tail.replaceAll(/^/gm, "  ")}`;
  return new BuildError("unavailable", `could not start the engine (${command}): ${why}${said}`);
}
