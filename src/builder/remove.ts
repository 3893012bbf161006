import { BuildError, messageOf } from "../base/errors/mod.ts";
import type { Builder } from "./builder.ts";
import type { Builders } from "./builders.ts";
import { loadBuilder, type OpenNode, openNodes } from "./node-status.ts";

/** What is to become of a builder's engines. */
export interface RemoveOptions {
  readonly keepState: boolean;
  readonly keepDaemon: boolean;
  /** How long a builder's engines may take to answer; once they have, deleting may take longer. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * Removes a created builder: its engines first, then its record, which goes even when an engine could not be removed, since it may be gone for good.
 * @throws {BuildError} what went wrong, all of it
 */
export async function removeBuilder(builders: Builders, name: string, options: RemoveOptions): Promise<void> {
  const builder = await builders.find(name);
  if (builder.origin === "context") {
    throw new BuildError(
      "failed_precondition",
      `context builder cannot be removed, run \`docker context rm ${builder.name}\` to remove this context`,
    );
  }
  if (builder.origin === "embedded") {
    throw new BuildError(
      "failed_precondition",
      "the builder of polyarch's own engine cannot be removed: stop it with `polyarch stop embedded`, empty it with `polyarch prune --all --builder embedded`",
    );
  }
  await removeCreated(builders, builder, options);
}

/**
 * Removes the created builders of which no node runs.
 * @param onRemoved told of each that is gone
 * @throws {BuildError} when one could not be removed or asked; the others are removed all the same
 */
export async function removeInactive(
  builders: Builders,
  options: RemoveOptions & { readonly onRemoved: (name: string) => void },
): Promise<void> {
  const created = (await builders.all()).filter(({ origin, dynamic }) => origin === "stored" && !dynamic);
  const results = await Promise.allSettled(
    created.map(async (builder) => {
      const { nodes } = await loadBuilder(builders, builder, options);
      if (nodes.some(({ status }) => status?.state === "running")) return;
      await removeCreated(builders, builder, options);
      options.onRemoved(builder.name);
    }),
  );
  throwAll(results.flatMap((result) => (result.status === "rejected" ? [result.reason] : [])));
}

/** Stops all nodes of a builder. @throws {BuildError} what went wrong, after all have been tried */
export async function stopBuilder(
  builders: Builders,
  builder: Builder,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const nodes = await openNodes(builders, builder);
  const [only] = nodes;
  // there is nothing to stop in Docker; booting starts nothing there, and tells when it is not there
  if (builder.origin === "context") return await only?.driver?.boot(options);
  throwAll(await eachNode(nodes, async (driver) => await driver.stop(options), "stop"));
}

async function removeCreated(builders: Builders, builder: Builder, options: RemoveOptions): Promise<void> {
  const { keepState, keepDaemon, signal, timeoutMs } = options;
  const answer = timeoutMs ? AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) : signal;
  const failures = keepDaemon
    ? []
    : await eachNode(
        await openNodes(builders, builder),
        async (driver) => await driver.remove({ signal, answer, keepState, force: true }),
        "remove",
      );
  signal.throwIfAborted(); // who interrupts this wants to keep the builder
  await builders.store.transact(async (store) => await store.remove(builder.name), { signal });
  throwAll(failures);
}

async function eachNode(
  nodes: readonly OpenNode[],
  work: (driver: NonNullable<OpenNode["driver"]>) => Promise<void>,
  verb: string,
): Promise<unknown[]> {
  const failures = await Promise.all(
    nodes.map(async ({ node, driver, error }) => {
      if (!driver) {
        return new BuildError("unknown", `failed to load node ${node.name}: ${messageOf(error)}`, { cause: error });
      }
      try {
        await work(driver);
        return undefined;
      } catch (cause) {
        return new BuildError("unknown", `failed to ${verb} node ${node.name}: ${messageOf(cause)}`, { cause });
      }
    }),
  );
  return failures.filter((failure) => failure !== undefined);
}

function throwAll(failures: readonly unknown[]): void {
  const [first] = failures;
  if (first === undefined) return;
  throw new BuildError("unknown", failures.map(messageOf).join("\n"), { cause: first });
}
