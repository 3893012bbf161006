import { BuildError } from "../base/errors/mod.ts";
import { BuildKitClient, connect } from "../client/mod.ts";
import type { BootCall, Driver } from "./driver.ts";

/** How long an engine that accepts a connection may take to say who it is. */
const answerTimeoutMs = 10_000;

/**
 * A client of a node's engine. An engine that answers is used as it is, at the cost of one round trip; otherwise the driver starts one.
 * @throws {BuildError} when it cannot be reached or started
 */
export async function connectNode(driver: Driver, options: BootCall): Promise<BuildKitClient> {
  const running = await answering(driver, options.signal);
  if (running) return running;
  await driver.boot(options);
  const booted = await answering(driver, options.signal);
  if (booted) return booted;
  throw new BuildError("unavailable", `the engine at ${driver.endpoint} went away right after it had started`);
}

/** A client of a node's engine, which is dialled at the first call; nothing is started. */
export function clientOf(driver: Driver): BuildKitClient {
  const channel = connect({ open: (options) => driver.dial(options), authority: driver.authority });
  return new BuildKitClient(channel, { dialSession: driver.dialSession });
}

async function answering(driver: Driver, signal: AbortSignal): Promise<BuildKitClient | undefined> {
  const client = clientOf(driver);
  try {
    await client.info({ signal, timeoutMs: answerTimeoutMs });
    return client;
  } catch (error) {
    if (error instanceof BuildError && error.code === "unimplemented") return client; // an engine from before there was this question
    await client.close();
    signal.throwIfAborted();
    if (error instanceof BuildError && error.code === "unavailable") return undefined;
    throw error;
  }
}
