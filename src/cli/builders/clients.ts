import { type Builders, clientOf, connectNode, type Driver, openNodes } from "../../builder/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { BuildKitClient } from "../../client/mod.ts";

/** One node of the builder that a command is about, and a client of its engine. */
export interface NodeClient {
  readonly name: string;
  readonly driver: Driver;
  readonly client: BuildKitClient;
}

/**
 * Opens clients of all nodes of a builder, which the caller closes. Our own engine is started where it has left for being idle: what it keeps is
 * there all the same; others are not.
 * @throws {BuildError} when there is no such builder, a node's driver cannot be made, or our own engine cannot be started
 */
export async function openClients(
  builders: Builders,
  name: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<{ readonly nodes: readonly NodeClient[] } & AsyncDisposable> {
  const opened = await openNodes(builders, await builders.select(name));
  const drivers = opened.map(({ node, driver, error }) => {
    if (!driver) throw error;
    return { name: node.name, driver };
  });
  const nodes: readonly NodeClient[] = await Promise.all(
    drivers.map(async ({ name, driver }) => {
      const isOwn = driver.kind === "embedded";
      return { name, driver, client: isOwn ? await connectNode(driver, { signal }) : clientOf(driver) };
    }),
  );
  return {
    nodes,
    [Symbol.asyncDispose]: async () => void (await Promise.all(nodes.map(({ client }) => client.close()))),
  };
}

/** A signal that aborts after `timeoutMs` as well, in words that people know. */
export function withTimeout(
  signal: AbortSignal,
  timeoutMs: number | undefined,
): { readonly signal: AbortSignal } & Disposable {
  if (!timeoutMs) return { signal, [Symbol.dispose]: () => undefined };
  const controller = new AbortController();
  const late = () =>
    controller.abort(
      new BuildError("deadline_exceeded", `no answer within ${timeoutMs / 1000} s: context deadline exceeded`),
    );
  const timer = setTimeout(late, timeoutMs);
  return { signal: AbortSignal.any([signal, controller.signal]), [Symbol.dispose]: () => clearTimeout(timer) };
}
