import { BuildError } from "../errors/mod.ts";
import type { ProcessEnd } from "./protocol.ts";
import type { Spawner, SpawnOptions } from "./spawner.ts";

/** What a short command printed, and how it ended. */
export interface Captured extends ProcessEnd {
  readonly stdout: string;
  /** {@link stdout}, where it may be no text. */
  readonly bytes: Uint8Array;
  readonly stderr: string;
}

const defaultMaxBytes = 16 << 20;

/**
 * Runs a command that prints little and keeps what it prints.
 * @throws {BuildError} `resource_exhausted` when it prints more than `maxBytes`; and as {@link Spawner.spawn}
 */
export async function capture(
  spawner: Spawner,
  command: string,
  args: readonly string[],
  options: Omit<SpawnOptions, "onStdout" | "onStderr" | "stdoutFile"> & { readonly maxBytes?: number } = {},
): Promise<Captured> {
  const { maxBytes = defaultMaxBytes, ...rest } = options;
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  let size = 0;
  const into = (list: Uint8Array[]) => (chunk: Uint8Array) => {
    size += chunk.byteLength;
    if (size > maxBytes) throw new BuildError("resource_exhausted", `"${command}" printed more than ${maxBytes} bytes`);
    list.push(chunk);
  };
  const end = await spawner.spawn(command, args, { ...rest, onStdout: into(stdout), onStderr: into(stderr) });
  const bytes = Buffer.concat(stdout);
  return { ...end, bytes, stdout: bytes.toString(), stderr: Buffer.concat(stderr).toString() };
}
