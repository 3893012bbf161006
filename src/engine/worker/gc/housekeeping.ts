import { statfs } from "node:fs/promises";
import { Semaphore } from "../../../base/async/mod.ts";
import { log } from "../../../base/log/mod.ts";
import type { OpenedRefStore } from "../../refs/mod.ts";
import type { SqliteCacheStore } from "../cache-store.ts";
import { parseRecordFilters } from "./filter.ts";
import type { KeptDirectories } from "./kept-directories.ts";
import { bytesToKeep, removalOrder } from "./plan.ts";
import { type Removable, recordId, type UsageRecord } from "./record.ts";
import { defaultPolicy, type PruneRule } from "./rule.ts";
import { Schedule } from "./schedule.ts";

/** What a {@link Housekeeping} looks after. */
export interface HousekeepingOptions {
  /** A directory of the disk that the policy is about. */
  readonly root: string;
  /** Room for removals when there is none left; undefined: they must do without. */
  readonly reserve?: { lend(): AsyncDisposable };
  readonly refs: OpenedRefStore;
  readonly cache: SqliteCacheStore;
  readonly kept: KeptDirectories;
  /** Rules of the automatic collection, in order; undefined: BuildKit's for the disk, none: nothing is collected. */
  readonly policy: readonly PruneRule[] | undefined;
  readonly now: () => Date;
  /** Least time between two automatic collections. */
  readonly intervalMs?: number;
}

/** How long keys that lead nowhere any more are remembered: what they say stays true. */
const keepKeysMs = 60 * 24 * 3_600_000;

/** How much memory there is of one survey. */
interface Survey {
  readonly items: Set<Removable>;
  usedBytes: number;
}

/**
 * Knows all that the engine keeps across builds, and removes of it what nobody uses: when asked to, and by itself after builds.
 *
 * Whether something is in use is decided anew at the moment of its removal, in the same turn of the main thread: a build that comes to hold it a
 * moment earlier keeps it, one that comes a moment later does not find it any more and makes it again.
 */
export class Housekeeping implements AsyncDisposable {
  readonly policy: readonly PruneRule[];
  readonly #options: HousekeepingOptions;
  /** One removal at a time: two would each count what the other removes. */
  readonly #turn = new Semaphore(1);
  readonly #schedule: Schedule;
  readonly #openedAt: Date;
  #builds = 0;
  #buildsEnded = 0;
  #lastBuild: Date;

  private constructor(options: HousekeepingOptions, policy: readonly PruneRule[]) {
    this.#options = options;
    this.policy = policy;
    this.#openedAt = options.now();
    this.#lastBuild = this.#openedAt;
    const { intervalMs = 60_000 } = options;
    this.#schedule = new Schedule((signal) => this.#collectAndTell(signal), { intervalMs });
  }

  static async open(options: HousekeepingOptions): Promise<Housekeeping> {
    const policy = options.policy ?? defaultPolicy((await diskOf(options.root)).totalBytes);
    return new Housekeeping(options, policy);
  }

  /** A build is under way until what is returned is disposed of. Afterwards there may be something to collect. */
  build(): Disposable {
    this.#builds++;
    return {
      [Symbol.dispose]: () => {
        this.#builds--;
        this.#buildsEnded++;
        this.#lastBuild = this.#options.now();
        if (this.policy.length > 0) this.#schedule.wish();
      },
    };
  }

  /**
   * Everything that is kept.
   * @param options.filters as in a {@link PruneRule}
   * @param options.unusedForMs leave out what was used since; 0: nothing is left out
   * @throws {BuildError} `invalid_argument` for a filter that cannot be read
   */
  async usage(options: {
    readonly filters: readonly string[];
    readonly unusedForMs: number;
    readonly signal: AbortSignal;
  }): Promise<readonly UsageRecord[]> {
    const matches = parseRecordFilters(options.filters);
    await using _room = this.#options.reserve?.lend();
    const since = this.#options.now().getTime() - options.unusedForMs;
    const { items } = await this.#survey(options.signal);
    return [...items]
      .map(({ record }) => record)
      .filter(({ usedAt }) => options.unusedForMs <= 0 || !usedAt || usedAt.getTime() <= since)
      .filter(matches);
  }

  /**
   * Removes what `rule` lets go, and tells each record as it goes. Ends when the bytes are deleted.
   * @throws {BuildError} `invalid_argument` for a filter that cannot be read, before anything is removed
   */
  async *prune(rule: PruneRule, { signal }: { signal: AbortSignal }): AsyncGenerator<UsageRecord> {
    parseRecordFilters(rule.filters);
    using _turn = await this.#turn.acquire({ signal });
    await using _room = this.#options.reserve?.lend();
    yield* this.#apply(rule, await this.#survey(signal), signal);
  }

  /** Applies the policy. @returns what was removed */
  async collect({ signal }: { signal: AbortSignal }): Promise<readonly UsageRecord[]> {
    using _turn = await this.#turn.acquire({ signal });
    await using _room = this.#options.reserve?.lend();
    const survey = await this.#survey(signal);
    const removed: UsageRecord[] = [];
    for (const rule of this.policy) for await (const record of this.#apply(rule, survey, signal)) removed.push(record);
    const { cache, refs, now } = this.#options;
    await cache.sweep((saved) => refs.isKnown(saved), new Date(now().getTime() - keepKeysMs));
    return removed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#schedule[Symbol.asyncDispose]();
  }

  async #collectAndTell(signal: AbortSignal): Promise<void> {
    const removed = await this.collect({ signal });
    const bytes = removed.reduce((sum, record) => sum + record.bytes, 0);
    if (removed.length > 0) log.info(`garbage collection removed ${removed.length} records, ${bytes} bytes`);
  }

  async *#apply(rule: PruneRule, survey: Survey, signal: AbortSignal): AsyncGenerator<UsageRecord> {
    const { freeBytes } = await diskOf(this.#options.root);
    const keep = bytesToKeep(rule, { usedBytes: survey.usedBytes, freeBytes });
    const waiting = new Set(removalOrder([...survey.items], rule, this.#options.now()));
    const deletions: Promise<void>[] = [];
    try {
      // A record that others stand on can go once they have gone, so what was refused is tried again after a round that removed something.
      // When such a round removes nothing, those that are left may stand on each other in circles: then one goes although others stand on it that go, too.
      let goesToo: ((id: string) => boolean) | undefined;
      for (let before = -1; before !== waiting.size || !goesToo; ) {
        const left = new Set([...waiting].map(({ record }) => record.id));
        goesToo = before === waiting.size ? (id) => left.has(id) : undefined;
        before = waiting.size;
        for (const item of waiting) {
          if (keep !== undefined && survey.usedBytes <= keep) return;
          signal.throwIfAborted();
          const deleted = item.remove(goesToo);
          if (!deleted) continue;
          deletions.push(deleted);
          waiting.delete(item);
          survey.items.delete(item);
          survey.usedBytes -= item.record.bytes;
          yield item.record;
          if (goesToo) break; // the circle is open
        }
      }
    } finally {
      await Promise.all(deletions);
    }
  }

  async #survey(signal: AbortSignal): Promise<Survey> {
    const { refs, kept } = this.#options;
    const { layers, otherBlobs } = await refs.usage({ signal });
    const items = new Set<Removable>();
    for (const layer of layers) {
      const { id, parents, description, bytes, addedAt: createdAt, usedAt, uses, isHeld: isInUse } = layer;
      const common = { description, bytes, createdAt, usedAt, uses, isInUse, isShared: false, isMutable: false };
      const type = layer.origin === "git" ? "source.git.checkout" : (layer.origin ?? "regular");
      const record: UsageRecord = { id: recordId(id), parents: parents.map(recordId), type, ...common };
      items.add({ record, remove: (goesToo) => this.#removeLayer(id, goesToo) });
    }
    for (const item of await kept.records({ signal })) items.add(item);
    if (otherBlobs.length > 0) items.add(this.#documents(otherBlobs));
    let usedBytes = 0;
    for (const { record } of items) usedBytes += record.bytes;
    return { items, usedBytes };
  }

  #removeLayer(id: string, goesToo?: (record: string) => boolean): Promise<void> | undefined {
    const { refs, cache } = this.#options;
    const removed = refs.remove(id, goesToo && ((layer) => goesToo(recordId(layer))));
    if (removed) cache.forget(removed.saved);
    return removed?.deleted;
  }

  /** Manifests and configurations, as one record: any build may look any of them up, so they go between builds only. */
  #documents(blobs: Awaited<ReturnType<OpenedRefStore["usage"]>>["otherBlobs"]): Removable {
    const record: UsageRecord = {
      id: recordId("documents"),
      parents: [],
      type: "internal",
      description: "manifests and configurations of images",
      bytes: blobs.reduce((sum, { bytes }) => sum + bytes, 0),
      createdAt: this.#openedAt,
      usedAt: this.#lastBuild,
      uses: this.#buildsEnded,
      isInUse: this.#builds > 0,
      isShared: false,
      isMutable: false,
    };
    const remove = () => {
      if (this.#builds > 0) return undefined;
      return this.#options.refs.removeBlobs(blobs.map(({ digest }) => digest)).deleted;
    };
    return { record, remove };
  }
}

async function diskOf(path: string): Promise<{ readonly totalBytes: number; readonly freeBytes: number }> {
  const { bsize, blocks, bavail } = await statfs(path);
  return { totalBytes: bsize * blocks, freeBytes: bsize * bavail };
}
