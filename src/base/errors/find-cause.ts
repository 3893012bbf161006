/** The error of that class behind `error`, or it itself; the outermost where there are several. */
export function findCause<E extends Error>(error: unknown, type: abstract new (...args: never[]) => E): E | undefined {
  const seen = new Set<unknown>();
  for (let at = error; at instanceof Error && !seen.has(at); ) {
    if (at instanceof type) return at;
    seen.add(at);
    at = at instanceof SuppressedError ? at.suppressed : at.cause;
  }
  return undefined;
}
