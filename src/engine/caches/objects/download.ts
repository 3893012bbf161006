import { BuildError } from "../../../base/errors/mod.ts";
import { type HttpResponse, NetworkError, nextDelayMs, pause, type RetryPolicy } from "../../../registry/mod.ts";

/** However often it makes a little progress, a connection that breaks this often is given up. */
const breakLimit = 50;

/**
 * The bytes of an object. A connection that breaks is resumed from where it broke; progress renews the patience. Holds one chunk.
 * @param open asks for the object with these headers, which want the rest of it; throws where the answer is no part of the object
 */
export async function* download(
  open: (headers: Readonly<Record<string, string>>) => Promise<HttpResponse>,
  options: { readonly sizeBytes?: number; readonly policy: RetryPolicy; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { sizeBytes, policy, signal } = options;
  let position = 0;
  let failures = 0;
  for (let breaks = 0; ; breaks++) {
    const begin = position;
    const response = await open(begin === 0 ? {} : { range: `bytes=${begin}-` });
    try {
      let skip = begin > 0 ? begin - startOf(response) : 0;
      for await (const chunk of response.body) {
        const useful = skip === 0 ? chunk : chunk.subarray(Math.min(skip, chunk.byteLength));
        skip -= chunk.byteLength - useful.byteLength;
        if (useful.byteLength === 0) continue;
        position += useful.byteLength;
        yield useful;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof NetworkError) || !error.transient || (sizeBytes !== undefined && position >= sizeBytes)) {
        throw error;
      }
      failures = position > begin ? 1 : failures + 1;
      const delayMs = breaks < breakLimit ? nextDelayMs(policy, failures) : undefined;
      if (delayMs === undefined) throw error;
      await pause(delayMs, { signal });
    } finally {
      await response.drop();
    }
  }
}

/** Where in the object an answer begins: servers need not know ranges. */
function startOf(response: HttpResponse): number {
  if (response.status === 200) return 0;
  const range = response.header("content-range") ?? "";
  const start = Number(/^bytes (\d+)-/.exec(range)?.[1] ?? Number.NaN);
  if (Number.isNaN(start))
    throw new BuildError("unavailable", `unhandled content range in response: ${range || "none"}`);
  return start;
}
