import { setTimeout as sleep } from "node:timers/promises";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import type { BuildKitClient } from "../../client/mod.ts";
import { type NamedNode, NodeLostError } from "./node-lost.ts";
import { unlessAborted } from "./within.ts";

/** How a working engine is watched. A dead one is known after `pauseMs` and `tries` times `answerMs`: 25 seconds. */
export interface WatchTimes {
  readonly pauseMs: number;
  /** An engine that is busy may be late. */
  readonly answerMs: number;
  readonly tries: number;
}

const usualTimes: WatchTimes = { pauseMs: 5_000, answerMs: 10_000, tries: 2 };

/** Words of our own side of a connection that broke; the same code may come from an engine that cannot reach a registry. */
const broken = /^(?:error reading from server|grpc: the client connection is closing|connection error: )/;

/**
 * Does something with a node's engine as long as that is there.
 * @throws {NodeLostError} when the connection breaks, or the engine stops answering; then `work` is cancelled and not waited for
 */
export async function watched<T>(
  node: NamedNode,
  options: { readonly client: BuildKitClient; readonly signal: AbortSignal; readonly times?: WatchTimes },
  work: (options: { readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const { client, signal, times = usualTimes } = options;
  const lost = new AbortController();
  const ended = new AbortController();
  void watch(client, times, ended.signal).then((problem) => {
    if (problem) lost.abort(new NodeLostError(node, "no longer answers", problem.error));
  });
  try {
    return await unlessAborted(lost.signal, work({ signal: AbortSignal.any([signal, lost.signal]) }));
  } catch (error) {
    if (lost.signal.aborted || signal.aborted) throw error;
    const cause = rootOf(error);
    if (broken.test(messageOf(cause)) || !(await answers(client, times.answerMs))) {
      throw new NodeLostError(node, "has gone away", cause);
    }
    throw error;
  } finally {
    ended.abort();
  }
}

/** Asks again and again; resolves when there were too few answers, or when nobody wants to know any more. */
async function watch(
  client: BuildKitClient,
  { pauseMs, answerMs, tries }: WatchTimes,
  signal: AbortSignal,
): Promise<{ readonly error: unknown } | undefined> {
  let failures = 0;
  while (!signal.aborted) {
    if (failures === 0) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
    try {
      await client.info({ signal, timeoutMs: answerMs });
      failures = 0;
    } catch (error) {
      if (error instanceof BuildError && error.code === "unimplemented") failures = 0;
      else if (++failures >= tries) return { error };
    }
  }
  return undefined;
}

/** What the engine's client said, before anybody explained it. */
function rootOf(error: unknown): unknown {
  return error instanceof BuildError && error.cause instanceof BuildError ? rootOf(error.cause) : error;
}

async function answers(client: BuildKitClient, timeoutMs: number): Promise<boolean> {
  try {
    await client.info({ timeoutMs });
    return true;
  } catch (error) {
    return error instanceof BuildError && error.code === "unimplemented";
  }
}
