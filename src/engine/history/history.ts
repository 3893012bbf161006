import { setImmediate } from "node:timers/promises";
import { create, type MessageInitShape, toBinary } from "../../base/protobuf/mod.ts";
import { timestampFromDate } from "../../base/protobuf/mod.ts";
import { control, status } from "../../api/mod.ts";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { log } from "../../base/log/mod.ts";
import type { BlobReader } from "../../content/mod.ts";
import { type Descriptor, type Digest, digestOf, parseDigest } from "../../oci/mod.ts";
import { statusOf } from "../../rpc/mod.ts";
import { Changes, type RecordChange } from "./changes.ts";
import { Finalizers } from "./finalizers.ts";
import { parseHistoryFilters } from "./record-filter.ts";
import { type HistoryLimits, RecordStore } from "./record-store.ts";
import { readStatusLog, writeStatusLog } from "./status-log.ts";
import { StepCounts } from "./step-counts.ts";
import { withoutSecrets } from "./without-secrets.ts";

type BuildRecord = control.BuildHistoryRecord;
const { STARTED, COMPLETE, DELETED } = control.BuildHistoryEventType;

/** The full error of a build; the name is spelt as clients know it. */
const errorMediaType = "application/vnd.googeapis.google.rpc.status+proto";

/** Statements, and predicates of such. */
const statementMediaType = "application/vnd.in-toto+json";

/** Spans of a build: objects of JSON one after the other. */
const traceMediaType = "application/vnd.buildkit.otlp.json.v0";

/** How long a trace stays open after its build: clients report the ends of their own work last. */
const traceWaitMs = 3000;

/** What took how long in one build. */
export interface RecordedTrace extends Disposable {
  /** Sees all that the build tells of itself. */
  observe(message: control.StatusResponse): void;
  end(failure: unknown): void;
  /** Each as a line of JSON; more may come when the build has ended. */
  spans(): readonly Uint8Array[];
}

/** How a build ended. */
export interface BuildOutcome {
  /** What failed, if something did. */
  readonly failure: unknown;
  readonly exporterResponse: Readonly<Record<string, string>>;
  /** What each exporter made, by its position in the request. */
  readonly results: ReadonlyMap<number, Descriptor>;
  /** Small documents that the results lead to: indexes, manifests, configs. */
  readonly documents: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
  /** Says how results were made. Called once, whatever comes of the record, when the one who waits for the build does so no more. */
  readonly statements?: () => Promise<readonly RecordedStatement[]>;
}

/** Something that is said of a result and kept with the record: a predicate, as JSON. */
export interface RecordedStatement {
  /** Key of the result map; `undefined`: the build has one result. */
  readonly platform: string | undefined;
  readonly predicateType: string;
  readonly bytes: Uint8Array;
}

/** A build that is being recorded. */
export interface Recording {
  /** Stores the record, when everything that the build tells of itself has been told. Never fails: a build does not fail for want of its record. */
  end(outcome: BuildOutcome): Promise<void>;
}

/** How a history is opened. */
export interface HistoryOptions {
  /** Where records are kept; made when missing. */
  readonly directory: string;
  readonly limits: HistoryLimits;
  readonly now: () => Date;
  /** How long a trace stays open after its build; undefined: 3 seconds. */
  readonly traceWaitMs?: number;
  /** Sees the record of every build when it has ended. */
  readonly onEnd?: ((record: BuildRecord) => void) | undefined;
}

/** Which builds there were, and are: their requests, logs and results. */
export class History implements AsyncDisposable {
  readonly #store: RecordStore;
  readonly #limits: HistoryLimits;
  readonly #now: () => Date;
  readonly #onEnd: ((record: BuildRecord) => void) | undefined;
  readonly #active = new Map<string, { record: BuildRecord; readonly counts: StepCounts }>();
  readonly #changes = new Changes();
  /** How many listen to one build alone: while they do it is not deleted, since they may be reading what it keeps. */
  readonly #listened = new Map<string, number>();
  /** To be deleted when nobody listens to them any more. */
  readonly #doomed = new Set<string>();
  readonly #finalizers: Finalizers;
  /** Records whose statements are being written, by ref: whoever asks for one waits. */
  readonly #unfinished = new Map<string, Promise<void>>();

  private constructor(store: RecordStore, options: Omit<HistoryOptions, "directory">) {
    this.#store = store;
    this.#limits = options.limits;
    this.#now = options.now;
    this.#onEnd = options.onEnd;
    this.#finalizers = new Finalizers({ waitMs: options.traceWaitMs ?? traceWaitMs });
  }

  /** Opens what is kept in a directory, and forgets what is too old. */
  static async open({ directory, ...options }: HistoryOptions): Promise<History> {
    const history = new History(await RecordStore.open(directory), options);
    await history.#expire();
    return history;
  }

  /** Attachments of records, by digest. */
  get blobs(): BlobReader {
    return this.#store.blobs;
  }

  /**
   * Begins to record a build.
   * @param messages all that will be told of it, up to its end
   * @param trace the record's from here on
   */
  begin(
    request: Pick<control.SolveRequest, "Ref" | "Frontend" | "FrontendAttrs" | "Exporters">,
    messages: AsyncIterable<MessageInitShape<typeof control.StatusResponseSchema>>,
    trace?: RecordedTrace,
  ): Recording {
    const { Ref, Frontend, FrontendAttrs, Exporters } = request;
    const record = create(control.BuildHistoryRecordSchema, {
      Ref,
      Frontend,
      FrontendAttrs: withoutSecrets(FrontendAttrs),
      Exporters,
      CreatedAt: timestampFromDate(this.#now()),
      Generation: 1,
    });
    const counts = new StepCounts();
    this.#active.set(Ref, { record, counts });
    this.#changes.tell({ type: STARTED, record });
    const note = (message: control.StatusResponse) => {
      counts.add(message);
      trace?.observe(message);
    };
    const pins = new DisposableStack();
    const logs = writeStatusLog(messages, note, this.#store.blobs, (digest) => void pins.use(this.#store.pin(digest)));
    logs.catch(() => undefined); // told at the end
    return {
      end: async (outcome) => {
        try {
          const written = await logs;
          trace?.end(outcome.failure);
          await this.#complete(record, written, { counts, outcome, pins });
          this.#state(Ref, outcome);
          if (trace) this.#finalizers.schedule(Ref, async () => await this.#addTrace(Ref, trace));
        } catch (error) {
          trace?.[Symbol.dispose]();
          await outcome.statements?.().catch(() => undefined); // it lets go of what it holds
          log.warn(`the record of build ${Ref} could not be kept: ${messageOf(error)}`);
        } finally {
          pins.dispose();
          this.#active.delete(Ref);
        }
      },
    };
  }

  /** Adds what is said of the results, later, and tells then that the record is complete. Never fails: the record is there without it. */
  #state(ref: string, { statements }: BuildOutcome): void {
    const tell = () => {
      const record = this.#store.get(ref);
      if (record) this.#changes.tell({ type: COMPLETE, record });
    };
    if (!statements) return tell();
    const done = setImmediate()
      .then(async () => await this.#addStatements(ref, await statements()))
      .catch((error: unknown) => log.warn(`the provenance of build ${ref} could not be kept: ${messageOf(error)}`))
      .finally(() => {
        this.#unfinished.delete(ref);
        tell();
      });
    this.#unfinished.set(ref, done);
  }

  async #addStatements(ref: string, statements: readonly RecordedStatement[]): Promise<void> {
    using pins = new DisposableStack();
    const results = new Map<string | undefined, control.Descriptor[]>();
    const kept: Digest[] = [];
    for (const { platform, predicateType, bytes } of statements) {
      const digest = digestOf(bytes);
      pins.use(this.#store.pin(digest));
      const blob = await this.#store.blobs.put(bytes);
      const annotations = { "in-toto.io/predicate-type": predicateType };
      const descriptor = encodeDescriptor({ mediaType: statementMediaType, ...blob, annotations });
      results.set(platform, [...(results.get(platform) ?? []), descriptor]);
      kept.push(digest);
    }
    const record = this.#store.get(ref);
    if (!record || kept.length === 0) return;
    const stated = (info: control.BuildResultInfo | undefined, Attestations: control.Descriptor[]) =>
      create(control.BuildResultInfoSchema, {
        ...info,
        Attestations: [...(info?.Attestations ?? []), ...Attestations],
      });
    const alone = results.get(undefined);
    const Results = { ...record.Results };
    for (const [platform, list] of results) {
      if (platform !== undefined) Results[platform] = stated(Results[platform], list);
    }
    const Result = alone ? stated(record.Result, alone) : record.Result;
    this.#store.put(create(control.BuildHistoryRecordSchema, { ...record, Results, ...(Result && { Result }) }), kept);
  }

  /** Never fails: the record is there without it. */
  async #addTrace(ref: string, trace: RecordedTrace): Promise<void> {
    try {
      if (!this.#store.get(ref)) return; // forgotten already
      const bytes = Buffer.concat(trace.spans());
      using _pin = this.#store.pin(digestOf(bytes));
      const blob = await this.#store.blobs.put(bytes);
      const record = this.#store.get(ref);
      if (record)
        this.#change(record, { trace: encodeDescriptor({ mediaType: traceMediaType, ...blob }) }, [blob.digest]);
    } catch (error) {
      log.warn(`the trace of build ${ref} could not be kept: ${messageOf(error)}`);
    } finally {
      trace[Symbol.dispose]();
    }
  }

  #change(record: BuildRecord, fields: Partial<BuildRecord>, keep: readonly Digest[]): void {
    const changed = create(control.BuildHistoryRecordSchema, {
      ...record,
      ...fields,
      Generation: record.Generation + 1,
    });
    this.#store.put(changed, keep);
    this.#changes.tell({ type: COMPLETE, record: changed });
  }

  /** @param build.pins keep the blobs until their record is stored */
  async #complete(
    begun: BuildRecord,
    logs: Descriptor,
    { counts, outcome, pins }: { counts: StepCounts; outcome: BuildOutcome; pins: DisposableStack },
  ): Promise<void> {
    const { failure, exporterResponse, results, documents } = outcome;
    const kept: Digest[] = [logs.digest];
    for (const { descriptor, bytes } of documents) {
      pins.use(this.#store.pin(descriptor.digest));
      await this.#store.blobs.put(bytes, descriptor);
      kept.push(descriptor.digest);
    }
    let error: status.Status | undefined;
    let externalError: Descriptor | undefined;
    if (failure !== undefined) {
      error = statusOf(failure);
      const bytes = toBinary(status.StatusSchema, error);
      pins.use(this.#store.pin(digestOf(bytes)));
      const blob = await this.#store.blobs.put(bytes);
      externalError = { mediaType: errorMediaType, ...blob };
      kept.push(blob.digest);
    }
    const [first] = results.values();
    const record = create(control.BuildHistoryRecordSchema, {
      ...begun,
      ...counts.fields,
      CompletedAt: timestampFromDate(this.#now()),
      Generation: begun.Generation + 1,
      logs: encodeDescriptor(logs),
      ExporterResponse: { ...exporterResponse },
      ...(error ? { error: create(status.StatusSchema, { code: error.code, message: error.message }) } : {}),
      ...(externalError ? { externalError: encodeDescriptor(externalError) } : {}),
      ...(first
        ? {
            Result: create(control.BuildResultInfoSchema, {
              ResultDeprecated: encodeDescriptor(first),
              Results: Object.fromEntries([...results].map(([index, result]) => [index, encodeDescriptor(result)])),
            }),
          }
        : {}),
    });
    this.#onEnd?.(record);
    this.#store.put(record, kept);
    this.#active.delete(record.Ref);
    await this.#expire();
  }

  /**
   * What ListenBuildHistory answers: builds under way, then stored records, newest first; then, unless the client wants to leave early, every change.
   * @throws {BuildError} `invalid_argument` for a filter that cannot be read, `not_found` for a ref that is being deleted
   */
  async *listen(request: control.BuildHistoryRequest, signal: AbortSignal): AsyncGenerator<RecordChange> {
    if (request.Limit < 0) throw new BuildError("invalid_argument", `invalid limit ${request.Limit}`);
    const matches = parseHistoryFilters(request.Filter, this.#now());
    const isWanted = ({ Ref }: BuildRecord) => request.Ref === "" || Ref === request.Ref;
    await using _holding = this.#hold(request.Ref);
    const changes = this.#changes.listen(signal);
    try {
      for (const { record, counts } of this.#active.values()) {
        if (!isWanted(record)) continue;
        yield { type: STARTED, record: create(control.BuildHistoryRecordSchema, { ...record, ...counts.fields }) };
      }
      if (!request.ActiveOnly) yield* this.#stored(request, (record) => isWanted(record) && matches(record));
      if (request.EarlyExit) return;
      for await (const change of changes) if (isWanted(change.record)) yield change;
    } finally {
      await changes.return(undefined);
    }
  }

  /** Keeps a build from being deleted. @throws {BuildError} `not_found` when it already is, but for others that listen to it */
  #hold(ref: string): AsyncDisposable {
    if (ref === "") return { [Symbol.asyncDispose]: async () => {} };
    if (this.#doomed.has(ref)) throw new BuildError("not_found", `ref ${ref} is deleted: file does not exist`);
    this.#listened.set(ref, (this.#listened.get(ref) ?? 0) + 1);
    return {
      [Symbol.asyncDispose]: async () => {
        const left = (this.#listened.get(ref) ?? 1) - 1;
        if (left > 0) return void this.#listened.set(ref, left);
        this.#listened.delete(ref);
        const record = this.#doomed.delete(ref) ? this.#store.get(ref) : undefined;
        if (record) await this.#delete(record);
      },
    };
  }

  async *#stored(
    { Ref, Limit }: control.BuildHistoryRequest,
    isWanted: (record: BuildRecord) => boolean,
  ): AsyncGenerator<RecordChange> {
    let left = Limit === 0 ? Number.POSITIVE_INFINITY : Limit;
    for (const ref of Ref === "" ? this.#store.refs() : [Ref]) {
      await this.#unfinished.get(ref);
      const record = this.#store.get(ref);
      if (!record || this.#doomed.has(ref) || !isWanted(record)) continue;
      if (left-- <= 0) return;
      yield { type: COMPLETE, record };
    }
  }

  /** Everything that an ended build has told; `undefined` when there is no record of it. */
  told(ref: string, signal: AbortSignal): AsyncIterable<control.StatusResponse> | undefined {
    const logs = this.#store.get(ref)?.logs;
    return logs && readStatusLog(parseDigest(logs.digest), this.#store.blobs, signal);
  }

  /** Deletes a record, or writes down all that is known of it, or pins or unpins it: the first that is asked for. @throws {BuildError} `not_found` */
  async update({ Ref, Delete, Finalize, Pinned }: control.UpdateBuildHistoryRequest): Promise<void> {
    await this.#unfinished.get(Ref);
    if (Delete || Finalize) await this.#finalizers.finalize(Ref);
    if (Finalize && !Delete) return; // of others there is nothing to write down
    const record = this.#store.get(Ref);
    if (!record) throw new BuildError("not_found", `could not find build record ${Ref}: not found`);
    if (Delete) await this.#delete(record);
    else this.#change(record, { pinned: Pinned }, []);
  }

  async #delete(record: BuildRecord): Promise<void> {
    if (this.#listened.has(record.Ref)) return void this.#doomed.add(record.Ref);
    await this.#store.delete(record.Ref);
    this.#changes.tell({ type: DELETED, record: create(control.BuildHistoryRecordSchema, { Ref: record.Ref }) });
  }

  async #expire(): Promise<void> {
    for (const ref of this.#store.expired(this.#limits, this.#now())) {
      const record = this.#store.get(ref);
      if (record) await this.#delete(record);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#unfinished.values());
    await this.#finalizers[Symbol.asyncDispose]();
    this.#store[Symbol.dispose]();
  }
}

function encodeDescriptor({ mediaType, digest, size, annotations }: Descriptor): control.Descriptor {
  return create(control.DescriptorSchema, { mediaType, digest, size: BigInt(size), annotations: { ...annotations } });
}
