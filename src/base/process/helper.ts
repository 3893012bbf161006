import { spawnSync } from "node:child_process";
import { Socket } from "node:net";
import { type Frame, frameHeader, frameKind, FrameReader } from "./frames.ts";
import { failure, HelperProcess, type Send } from "./helper-process.ts";
import type { SpawnRequest } from "./protocol.ts";

/**
 * The helper's whole life: starts what the engine asks for over descriptor 3 until that closes; then the engine is gone, and so must be
 * everything that was started for it.
 */
export function runHelper(): void {
  // A terminal's Ctrl-C and a service manager's stop reach every process of the engine. The engine decides what they mean.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  const channel = new Socket({ fd: 3 });
  const processes = new Map<number, HelperProcess>();
  const reader = new FrameReader();
  channel.on("data", (chunk: Buffer) => {
    for (const frame of reader.push(chunk)) handle(frame, processes, channel);
  });
  channel.on("error", () => undefined);
  channel.once("close", () => {
    for (const child of processes.values()) child.kill();
    // What a killed process cannot undo itself (a container that it watched, for instance). The next engine's sweep would find it too.
    for (const { request } of processes.values()) {
      const { ifOrphaned } = request;
      if (ifOrphaned) spawnSync(ifOrphaned.command, ifOrphaned.args, { stdio: "ignore", timeout: 10_000 });
    }
    process.exit();
  });
}

function handle(frame: Frame, processes: Map<number, HelperProcess>, channel: Socket): void {
  const { process: id, payload } = frame;
  switch (frame.kind) {
    case frameKind.spawn: {
      const send: Send = (kind, bytes) => {
        if (channel.destroyed) return;
        channel.cork();
        channel.write(frameHeader(kind, id, bytes.byteLength));
        channel.write(bytes);
        channel.uncork();
      };
      try {
        const request = JSON.parse(payload.toString()) as SpawnRequest;
        processes.set(id, new HelperProcess(request, send, () => processes.delete(id)));
      } catch (error) {
        send(frameKind.failed, Buffer.from(JSON.stringify(failure(error))));
      }
      return;
    }
    case frameKind.stdin:
      return processes.get(id)?.write(payload);
    case frameKind.kill:
      return processes.get(id)?.kill();
    case frameKind.outputTaken:
      return processes.get(id)?.outputTaken(payload.readUInt32BE());
    default:
      throw new Error(`Internal error: the helper got a frame of kind ${frame.kind}`);
  }
}
