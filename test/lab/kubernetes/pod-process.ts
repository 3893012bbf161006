import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { buildctlProgram } from "../engine.ts";

/** Where what a process says goes. */
export interface PodStreams {
  /** @returns whether there may be more at once; otherwise {@link PodProcess.resume} follows */
  stdout(bytes: Buffer): boolean;
  stderr(bytes: Buffer): void;
  /** The process is at its end. @param failure as the API server words it; `undefined` when all went well */
  end(failure: object | undefined): void;
}

/** A process in a pod, from outside. */
export interface PodProcess {
  stdin(bytes: Buffer): void;
  endStdin(): void;
  resume(): void;
  kill(): void;
}

/** Runs a command on this machine, beside the engine at `address`, as if in the container that the engine is in. */
export function runBesideEngine(command: readonly string[], address: string, streams: PodStreams): PodProcess {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, PATH: `${dirname(buildctlProgram)}:${process.env["PATH"] ?? ""}`, BUILDKIT_HOST: address },
  });
  child.stdout.on("data", (data: Buffer) => {
    if (!streams.stdout(data)) child.stdout.pause();
  });
  child.stderr.on("data", (data: Buffer) => streams.stderr(data));
  child.stdin.on("error", () => child.kill());
  child.once("close", (code) =>
    streams.end(code === 0 ? undefined : { status: "Failure", message: `exit code ${code}` }),
  );
  return {
    stdin: (bytes) => void child.stdin.write(bytes),
    endStdin: () => void child.stdin.end(),
    resume: () => void child.stdout.resume(),
    kill: () => void child.kill(),
  };
}
