import { BuildError } from "../../base/errors/mod.ts";
import { type BootEvent, connectNode, type OpenNode, platformsOf } from "../../builder/mod.ts";
import type { BuildKitClient } from "../../client/mod.ts";
import type { Platform } from "../../oci/mod.ts";
import { NodeLostError } from "./node-lost.ts";
import { within } from "./within.ts";

/** What a {@link FarmNode} depends on. */
export interface FarmNodeOptions {
  /** Cancels whatever the node is asked. */
  readonly signal: AbortSignal;
  /** How its start goes on. */
  readonly onBoot: (event: BootEvent) => void;
  /** How long it may leave us without an answer; 25 seconds, so that people know its name within 30. */
  readonly answerMs?: number;
}

/** Drivers that start an engine, which may take as long as fetching its image takes. Others find one that runs, or do not. */
const starters: ReadonlySet<string> = new Set(["docker-container", "kubernetes"]);

/** One node of a farm. It is dialled when it is first needed, once; whoever made it closes it. */
export class FarmNode implements AsyncDisposable {
  readonly name: string;
  readonly endpoint: string;
  /** Fixed by whoever created the builder. */
  readonly fixed: readonly Platform[];
  readonly #open: OpenNode;
  readonly #options: FarmNodeOptions;
  readonly #left = new AbortController();
  #client: Promise<BuildKitClient> | undefined;
  #platforms: Promise<readonly Platform[]> | undefined;
  constructor(open: OpenNode, options: FarmNodeOptions) {
    this.name = open.node.name;
    this.endpoint = open.driver?.endpoint ?? open.node.endpoint;
    this.fixed = open.node.platforms;
    this.#open = open;
    this.#options = { ...options, signal: AbortSignal.any([options.signal, this.#left.signal]) };
  }
  /** Its engine, started where that is needed. @throws {NodeLostError} */
  async client(): Promise<BuildKitClient> {
    return await (this.#client ??= this.#asked(() => this.#connect()));
  }
  /** What its engine says it builds for. @throws {NodeLostError} */
  async platforms(): Promise<readonly Platform[]> {
    const ask = async () => {
      const client = await this.client();
      return await this.#asked(async (answerMs) => {
        const workers = await within(answerMs, this.#options.signal, (options) => client.listWorkers(options));
        return workers.flatMap(platformsOf);
      });
    };
    return await (this.#platforms ??= ask());
  }
  /** Ends the connection; calls under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#left.abort(new BuildError("canceled", "context canceled"));
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }
  async #connect(): Promise<BuildKitClient> {
    const { driver, error } = this.#open;
    if (!driver) throw error;
    const { signal, onBoot, answerMs = 25_000 } = this.#options;
    let isStarting = false;
    const onEvent = (event: BootEvent) => {
      isStarting ||= event.type === "starting";
      onBoot(event);
    };
    const connect = (options: { readonly signal: AbortSignal }) =>
      connectNode(driver, { signal: options.signal, onEvent });
    try {
      if (!starters.has(driver.kind)) return await within(answerMs, signal, connect);
      await within(answerMs, signal, (options) => driver.state(options));
      return await connect({ signal });
    } catch (error) {
      // Given up rather than failed: whether the build fails is for others to say.
      if (isStarting) onBoot({ type: "step", name: "connecting", state: "failed", error: "context canceled" });
      throw error;
    }
  }
  async #asked<T>(work: (answerMs: number) => Promise<T>): Promise<T> {
    const { signal, answerMs = 25_000 } = this.#options;
    try {
      return await work(answerMs);
    } catch (error) {
      signal.throwIfAborted();
      throw new NodeLostError(this, "does not answer", error);
    }
  }
}
