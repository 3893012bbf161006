import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { BuildError } from "../../../base/errors/mod.ts";
import { dialAddress } from "../../../client/mod.ts";
import type { Driver, DriverCall } from "../../driver.ts";
import type { EnginePaths } from "./paths.ts";
import { startEngine } from "./start.ts";

/** What {@link embeddedDriver} needs. */
export interface EmbeddedDriverOptions {
  readonly paths: EnginePaths;
  /** Program that starts the engine. */
  readonly command: string;
  /** Of this process: starting an engine needs root. */
  readonly uid: number;
  /** After which time unused the engine leaves. */
  readonly idleTimeout?: string;
  readonly startTimeoutMs?: number;
}

/**
 * The engine that comes with this program: a process of this machine, started when a build needs it, shared by all clients, gone by itself
 * when it has been idle.
 */
export function embeddedDriver(options: EmbeddedDriverOptions): Driver {
  const { paths, command, uid, idleTimeout = "10m", startTimeoutMs = 20_000 } = options;
  const endpoint = `unix://${paths.socket}`;
  const open = dialAddress(endpoint);
  const answers = async (signal: AbortSignal): Promise<boolean> => {
    try {
      (await open({ signal })).destroy();
      return true;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  };
  const stop = async ({ signal }: DriverCall): Promise<void> => {
    const pid = await enginePid(open, signal);
    if (pid === undefined) return;
    // One signal has it wait for the builds of others, the second one ends those.
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.kill(pid, signal);
    while (await answers(signal)) await sleep(20, undefined, { signal });
  };
  return {
    kind: "embedded",
    endpoint,
    features: async () => ({
      ociExporter: true,
      dockerExporter: true,
      cacheExport: true,
      attestation: true,
      multiPlatform: true,
      directPush: true,
      preferImageDigest: true,
      defaultLoad: false,
    }),
    state: async ({ signal }) => ((await answers(signal)) ? "running" : "inactive"),
    dial: async ({ signal }) => {
      try {
        return await open({ signal });
      } catch (error) {
        throw notAllowed(error, paths.socket) ?? error;
      }
    },
    boot: async ({ signal, onEvent }) => {
      if (await answers(signal)) return;
      if (uid !== 0) {
        throw new BuildError(
          "permission_denied",
          `no engine answers at ${paths.socket}, and starting one needs root for now: run polyarch with sudo`,
        );
      }
      onEvent?.({ type: "starting", what: "[internal] booting polyarchd" });
      await startEngine({
        command,
        paths,
        idleTimeout,
        timeoutMs: startTimeoutMs,
        answers: () => answers(signal),
        signal,
      });
      onEvent?.({ type: "running" });
    },
    stop,
    remove: async ({ signal, keepState }) => {
      await stop({ signal });
      if (!keepState) await rm(paths.root, { recursive: true, force: true });
    },
  };
}

/** The process behind the socket; `undefined` when nobody listens. */
async function enginePid(open: ReturnType<typeof dialAddress>, signal: AbortSignal): Promise<number | undefined> {
  let socket: Socket;
  try {
    socket = (await open({ signal })) as Socket;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
  try {
    const { peerCredentials } = await import("../../../base/sys/mod.ts");
    const fd = (socket as Socket & { _handle?: { fd: number } })._handle?.fd;
    return fd === undefined ? undefined : peerCredentials(fd).pid;
  } finally {
    socket.destroy();
  }
}

function notAllowed(error: unknown, socket: string): BuildError | undefined {
  const cause = error instanceof BuildError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  if (cause?.code !== "EACCES" && cause?.code !== "EPERM") return undefined;
  return new BuildError(
    "permission_denied",
    `the engine's socket ${socket} is not for this user: run polyarch with sudo`,
    { cause: error },
  );
}
