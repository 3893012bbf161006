import { BuildError } from "../../base/errors/mod.ts";

/**
 * Does something in a limited time. Its signal aborts when the time is over, and so does the wait for it: it may hang where no signal reaches it.
 * @throws {BuildError} `deadline_exceeded`
 */
export async function within<T>(
  limitMs: number,
  signal: AbortSignal,
  work: (options: { readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const late = new BuildError("deadline_exceeded", `no answer within ${limitMs / 1000} s`);
  const timer = setTimeout(() => limit.abort(late), limitMs);
  try {
    return await unlessAborted(limit.signal, work({ signal: AbortSignal.any([signal, limit.signal]) }));
  } finally {
    clearTimeout(timer);
  }
}

/** `work`, or the signal's reason as soon as that aborts. What becomes of abandoned work is nobody's business any more. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  work.catch(() => undefined);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
