import type { MessageInitShape } from "../base/protobuf/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import { content, control, type worker } from "../api/mod.ts";
import { asBuildError } from "../base/errors/mod.ts";
import { type Channel, createClient } from "../rpc/mod.ts";
import type { DialSession, Session, SessionOptions } from "../session/mod.ts";
import type { BuildToLead, LedBuild } from "./lead-build.ts";

/** A build to be done, as it is asked for. */
export type SolveRequest = MessageInitShape<typeof control.SolveRequestSchema>;
/** What a build gave: what its exporters say, by key. */
export type SolveResponse = control.SolveResponse;
/** Some news of a build. */
export type StatusResponse = control.StatusResponse;
/** One worker of an engine: its platforms, labels and version. */
export type WorkerRecord = worker.WorkerRecord;
/** Which engine answers, and how old it is. */
export type BuildkitVersion = worker.BuildkitVersion;

/** One thing that an engine keeps. */
export type UsageRecord = control.UsageRecord;

/** What an engine remembers of one build, under way or ended. */
export type HistoryRecord = control.BuildHistoryRecord;

/** A build under way or ended, as an engine tells of it. */
export type HistoryEvent = control.BuildHistoryEvent;

/** Which builds to tell of. */
export interface HistoryQuery {
  /** Only this one; empty: all. */
  readonly ref?: string;
  /** In containerd's filter language; an ended build must pass one of them. None: every build does. */
  readonly filters?: readonly string[];
  /** So many ended builds at the most, the newest; 0: all. */
  readonly limit?: number;
}

/** What is to be removed. Sizes are in bytes; 0 sets no bound. */
export interface PruneRules {
  /** In containerd's filter language; a record must pass one of them. None: every record does. */
  readonly filters: readonly string[];
  /** Also what the engine needs for itself. */
  readonly all: boolean;
  /** Records stay that were used within this time. */
  readonly keepDurationMs: number;
  readonly reservedSpace: number;
  readonly maxUsedSpace: number;
  readonly minFreeSpace: number;
}

/** What every call takes. */
export interface CallControl {
  /** Cancels the call, which then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** After this the call fails with `deadline_exceeded`. */
  readonly timeoutMs?: number | undefined;
}

/** An engine as its client sees it: BuildKit's control API over one channel. Errors are BuildErrors. */
export class BuildKitClient implements AsyncDisposable {
  /** The connection to the engine; owned by this client. */
  readonly channel: Channel;
  readonly #control: ReturnType<typeof createClient<typeof control.Control>>;
  readonly #dialSession: DialSession | undefined;
  #capabilities: Promise<ReadonlySet<string>> | undefined;
  /** @param options.dialSession opens sessions, for engines that want a connection of their own for each */
  constructor(channel: Channel, options: { readonly dialSession?: DialSession | undefined } = {}) {
    this.channel = channel;
    this.#dialSession = options.dialSession;
    this.#control = createClient(control.Control, channel);
  }
  /** Builds and exports; resolves when both are done. Cancelling the call cancels the build. */
  async solve(request: SolveRequest, options: CallControl = {}): Promise<SolveResponse> {
    return await this.#control.solve(request, options);
  }
  /**
   * News of the build `ref`, from its beginning until it ends. May be asked for before the build has begun.
   * @param options.onClock told how far the engine's clock is ahead of ours, in milliseconds, when it says so
   */
  async *status(
    ref: string,
    options: CallControl & { readonly onClock?: ((aheadMs: number) => void) | undefined } = {},
  ): AsyncGenerator<StatusResponse> {
    const { onClock, ...control } = options;
    yield* this.#control.status(
      { Ref: ref },
      {
        ...control,
        onHeaders: (headers) => {
          const engineTime = Date.parse(headers.get("buildkit-current-timestamp") ?? "");
          if (!Number.isNaN(engineTime)) onClock?.(engineTime - Date.now());
        },
      },
    );
  }
  async listWorkers(
    options: CallControl & { readonly filter?: readonly string[] } = {},
  ): Promise<readonly WorkerRecord[]> {
    const { filter = [], ...control } = options;
    const { record } = await this.#control.listWorkers({ filter: [...filter] }, control);
    return record;
  }
  /** Which engine answers; `undefined` from one that is too old to say. */
  async info(options: CallControl = {}): Promise<BuildkitVersion | undefined> {
    const { buildkitVersion } = await this.#control.info({}, options);
    return buildkitVersion;
  }
  /** What the engine keeps on disk, small records first. */
  async diskUsage(
    options: CallControl & { readonly filters?: readonly string[] } = {},
  ): Promise<readonly UsageRecord[]> {
    const { filters = [], ...control } = options;
    const { record } = await this.#control.diskUsage({ filter: [...filters] }, control);
    return record.toSorted((a, b) => Number(a.Size - b.Size) || (a.ID < b.ID ? -1 : 1));
  }
  /** Removes what the rules leave to be removed, and tells of each record that is gone. */
  async *prune(rules: PruneRules, options: CallControl = {}): AsyncGenerator<UsageRecord> {
    const { filters, all, keepDurationMs, reservedSpace, maxUsedSpace, minFreeSpace } = rules;
    yield* this.#control.prune(
      {
        filter: [...filters],
        all,
        keepDuration: BigInt(Math.round(keepDurationMs * 1e6)),
        reservedSpace: BigInt(reservedSpace),
        maxUsedSpace: BigInt(maxUsedSpace),
        minFreeSpace: BigInt(minFreeSpace),
      },
      options,
    );
  }
  /** Builds under way, then ended ones that the engine remembers, newest first. @throws {BuildError} `unimplemented` where it remembers none */
  async history(query: HistoryQuery, options: CallControl = {}): Promise<readonly HistoryRecord[]> {
    const records = new Map<string, HistoryRecord>();
    try {
      for await (const { record } of this.historyEvents(query, options)) {
        if (record) records.set(record.Ref, record); // one that ends meanwhile is told of twice
      }
    } catch (cause) {
      if (!(cause instanceof BuildError && cause.code === "unimplemented")) throw cause;
      const why = "build history is not supported by the current BuildKit daemon, please upgrade to version v0.11+";
      throw new BuildError("unimplemented", why, { cause });
    }
    return [...records.values()];
  }
  /** The same, as they come. */
  async *historyEvents(query: HistoryQuery = {}, options: CallControl = {}): AsyncGenerator<HistoryEvent> {
    const { ref = "", filters = [], limit = 0 } = query;
    const request = { Ref: ref, Filter: [...filters], Limit: limit, EarlyExit: true };
    yield* this.#control.listenBuildHistory(request, options);
  }
  /** Keeps the engine from forgetting a build by itself, or lets it. @throws {BuildError} `not_found` */
  async pinHistory(ref: string, pinned: boolean, options: CallControl = {}): Promise<void> {
    await this.#control.updateBuildHistory({ Ref: ref, Pinned: pinned }, options);
  }
  /** Makes the engine forget a build. @throws {BuildError} `not_found` */
  async deleteHistory(ref: string, options: CallControl = {}): Promise<void> {
    await this.#control.updateBuildHistory({ Ref: ref, Delete: true }, options);
  }
  /** Makes the engine write down all that it still has in hand of a build that has ended. */
  async finalizeHistory(ref: string, options: CallControl = {}): Promise<void> {
    await this.#control.updateBuildHistory({ Ref: ref, Finalize: true }, options);
  }
  /** A blob of the engine's: what records name, and parts of images. @throws {BuildError} `not_found` */
  async *readBlob(digest: string, options: CallControl = {}): AsyncGenerator<Uint8Array> {
    const contents = createClient(content.Content, this.channel);
    for await (const { data } of contents.read({ digest, offset: 0n, size: 0n }, options)) yield data;
  }
  /** Begins a build that this client leads, and ends it, without a result, when `work` has done. @throws {BuildError} whatever `work` throws */
  async lead<T>(build: BuildToLead, work: (led: LedBuild) => Promise<T>): Promise<T> {
    const { leadBuild } = await import("./lead-build.ts"); // few commands need it
    return await leadBuild(this.channel, build, work);
  }
  /** What the engine can do, by BuildKit's ids: what graphs and outputs may ask for, and what the gateway. Asked once. */
  async capabilities({ signal }: { readonly signal: AbortSignal }): Promise<ReadonlySet<string>> {
    const { newSessionId } = await import("../session/mod.ts");
    const ask = () => this.lead({ ref: newSessionId(), signal }, ({ capabilities }) => Promise.resolve(capabilities));
    this.#capabilities ??= ask();
    return await this.#capabilities;
  }
  /** Whether the engine keeps that blob. */
  async hasBlob(digest: string, options: CallControl = {}): Promise<boolean> {
    try {
      await createClient(content.Content, this.channel).info({ digest }, options);
      return true;
    } catch (error) {
      if (asBuildError(error).code === "not_found") return false;
      throw error;
    }
  }
  /** Opens a session, through which the engine reaches this client's files and logins. */
  async openSession(options: SessionOptions): Promise<Session> {
    const { openSession } = await import("../session/mod.ts"); // much, and only builds need it
    return await openSession(this.#dialSession ?? this.channel, options);
  }
  /** Closes the connection; calls under way fail. */
  async close(): Promise<void> {
    await this.channel.close();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
