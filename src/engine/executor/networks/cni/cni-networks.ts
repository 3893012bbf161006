import { randomBytes } from "node:crypto";
import { BuildError, messageOf } from "../../../../base/errors/mod.ts";
import { log } from "../../../../base/log/mod.ts";
import type { Networks, StepNetwork } from "../networks.ts";
import { attach, type Attachment } from "./attachment.ts";
import { openNamespace } from "./namespace.ts";
import type { NetworkList } from "./network-list.ts";
import type { PluginRunner } from "./plugin.ts";
import type { AttachmentRecords } from "./records.ts";
import { type Connected, takeApart } from "./take-apart.ts";

/** What {@link CniNetworks} work with. */
export interface CniOptions {
  readonly runner: PluginRunner;
  readonly list: NetworkList;
  readonly directories: readonly string[];
  readonly records: AttachmentRecords;
  /** Networks that are made ahead. */
  readonly poolSize: number;
}

/** Where no pool is asked for, one network is kept ahead for so long after the last step: where one was, there are often more. */
const expectingMs = 5 * 60_000;

/** What may stand in `CNI_ARGS`, where a semicolon would begin another argument. */
const namePattern = /^[A-Za-z0-9._-]+$/;

/**
 * Networks made by CNI plugins: a namespace for each step, connected when the step begins (or before, if there is a pool of them) and taken apart
 * behind its back when it has ended. No two steps get the same one: what a step leaves in its network (connections that linger, poisoned
 * neighbours, rules of a privileged one) is nobody else's.
 */
export class CniNetworks implements Networks {
  readonly mode = "cni";
  readonly #options: CniOptions;
  /** Made ahead. */
  readonly #ready: Connected[] = [];
  /** In use. */
  readonly #taken = new Set<Connected>();
  /** Connections that are being made or taken apart. */
  readonly #working = new Set<Promise<unknown>>();
  #isFilling = false;
  /** Runs while another step is to be expected. */
  #expecting: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * Connects one namespace, so that what is wrong is said at the start.
   * @throws {BuildError} `internal` with the plugin's words
   */
  static async open(options: CniOptions): Promise<CniNetworks> {
    const networks = new CniNetworks(options);
    networks.#ready.push(await networks.#connect("", {}));
    networks.#expect();
    return networks;
  }

  private constructor(options: CniOptions) {
    this.#options = options;
  }

  async take(
    { hostname = "" }: { readonly hostname?: string | undefined },
    options: { signal: AbortSignal },
  ): Promise<StepNetwork> {
    // Plugins that publish names are told the step's, unless it holds more than a name; those that are made ahead have none.
    const name = namePattern.test(hostname) ? hostname : "";
    const ready = name === "" ? this.#ready.shift() : undefined;
    this.#expect();
    const connected = ready ?? (await this.#connect(name, options));
    this.#taken.add(connected);
    return {
      namespace: connected.namespace.path,
      [Symbol.asyncDispose]: () => {
        if (this.#taken.delete(connected)) this.#release(connected);
        return Promise.resolve();
      },
    };
  }

  /** Takes everything apart, also what is in use: whatever runs in it is about to be killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#expecting);
    for (;;) {
      for (const connected of [...this.#ready.splice(0), ...this.#taken]) this.#release(connected);
      this.#taken.clear();
      if (this.#working.size === 0) return;
      await Promise.allSettled(this.#working);
    }
  }

  /** Makes up for what has been taken, one by one, behind the steps' backs; in time it takes away again what nobody has wanted. */
  #expect(): void {
    const { poolSize } = this.#options;
    clearTimeout(this.#expecting);
    if (this.#closed) return;
    this.#expecting = setTimeout(() => {
      for (const connected of this.#ready.splice(poolSize)) this.#release(connected);
    }, expectingMs).unref();
    if (!this.#isFilling) void this.#fill(Math.max(poolSize, 1));
  }

  async #fill(target: number): Promise<void> {
    this.#isFilling = true;
    try {
      while (!this.#closed && this.#ready.length < target) {
        this.#ready.push(await this.#watch(this.#connectOnce("", {})));
      }
    } catch (error) {
      log.debug(`failed to create a network namespace ahead of time: ${messageOf(error)}`);
    } finally {
      this.#isFilling = false;
    }
  }

  async #connect(hostname: string, options: { signal?: AbortSignal }): Promise<Connected> {
    if (this.#closed) throw new BuildError("unavailable", "the engine is stopping");
    // Addresses may be few, and some of them about to be given back, or held ahead.
    const others = () => this.#working.size + this.#ready.length > 0;
    const hadOthers = others();
    try {
      return await this.#watch(this.#connectOnce(hostname, options));
    } catch (error) {
      options.signal?.throwIfAborted();
      if (this.#closed || (!hadOthers && !others())) throw error;
      await Promise.allSettled(this.#working);
      const spare = this.#ready.shift();
      if (spare && hostname === "") return spare;
      if (spare) await this.#watch(takeApart(this.#options, spare));
      return await this.#watch(this.#connectOnce(hostname, options));
    }
  }

  async #connectOnce(hostname: string, options: { signal?: AbortSignal }): Promise<Connected> {
    const { runner, records, list, directories } = this.#options;
    const id = randomBytes(16).toString("hex");
    const args = hostname === "" ? "" : `IgnoreUnknown=1;K8S_POD_NAME=${hostname}`;
    let attachment: Attachment = { id, list, directories, args };
    const namespace = openNamespace();
    try {
      records.write(attachment);
      for await (const attached of attach(runner, attachment, namespace.path, options)) {
        attachment = attached;
        records.write(attachment);
      }
      return { namespace, attachment };
    } catch (error) {
      await takeApart(this.#options, { namespace, attachment });
      options.signal?.throwIfAborted();
      throw new BuildError("internal", `CNI setup error: ${messageOf(error)}`, { cause: error });
    }
  }

  #release(connected: Connected): void {
    void this.#watch(takeApart(this.#options, connected));
  }

  async #watch<T>(work: Promise<T>): Promise<T> {
    this.#working.add(work);
    try {
      return await work;
    } finally {
      this.#working.delete(work);
    }
  }
}
