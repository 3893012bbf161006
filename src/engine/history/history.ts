import { create, type MessageInitShape, toBinary } from "../../base/protobuf/mod.ts";
import { timestampFromDate } from "../../base/protobuf/mod.ts";
import { control, status } from "../../api/mod.ts";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { log } from "../../base/log/mod.ts";
import type { BlobReader } from "../../content/mod.ts";
import { type Descriptor, type Digest, parseDigest } from "../../oci/mod.ts";
import { statusOf } from "../../rpc/mod.ts";
import { Changes, type RecordChange } from "./changes.ts";
import { parseHistoryFilters } from "./record-filter.ts";
import { type HistoryLimits, RecordStore } from "./record-store.ts";
import { readStatusLog, writeStatusLog } from "./status-log.ts";
import { StepCounts } from "./step-counts.ts";
import { withoutSecrets } from "./without-secrets.ts";

type BuildRecord = control.BuildHistoryRecord;
const { STARTED, COMPLETE, DELETED } = control.BuildHistoryEventType;

/** The full error of a build; the name is spelt as clients know it. */
const errorMediaType = "application/vnd.googeapis.google.rpc.status+proto";

/** How a build ended. */
export interface BuildOutcome {
  /** What failed, if something did. */
  readonly failure: unknown;
  readonly exporterResponse: Readonly<Record<string, string>>;
  /** What each exporter made, by its position in the request. */
  readonly results: ReadonlyMap<number, Descriptor>;
  /** Small documents that the results lead to: indexes, manifests, configs. */
  readonly documents: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
}

/** A build that is being recorded. */
export interface Recording {
  /** Stores the record, when everything that the build tells of itself has been told. Never fails: a build does not fail for want of its record. */
  end(outcome: BuildOutcome): Promise<void>;
}

/** Which builds there were, and are: their requests, logs and results. */
export class History implements Disposable {
  readonly #store: RecordStore;
  readonly #limits: HistoryLimits;
  readonly #now: () => Date;
  readonly #active = new Map<string, { record: BuildRecord; readonly counts: StepCounts }>();
  readonly #changes = new Changes();

  private constructor(store: RecordStore, limits: HistoryLimits, now: () => Date) {
    this.#store = store;
    this.#limits = limits;
    this.#now = now;
  }

  /** @param options.directory where records are kept; made when missing */
  static async open(options: {
    readonly directory: string;
    readonly limits: HistoryLimits;
    readonly now: () => Date;
  }): Promise<History> {
    const history = new History(await RecordStore.open(options.directory), options.limits, options.now);
    await history.#expire();
    return history;
  }

  /** Attachments of records, by digest. */
  get blobs(): BlobReader {
    return this.#store.blobs;
  }

  /** Begins to record a build. @param messages all that will be told of it, up to its end */
  begin(
    request: Pick<control.SolveRequest, "Ref" | "Frontend" | "FrontendAttrs" | "Exporters">,
    messages: AsyncIterable<MessageInitShape<typeof control.StatusResponseSchema>>,
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
    const logs = writeStatusLog(messages, counts, this.#store.blobs);
    logs.catch(() => undefined); // told at the end
    return {
      end: async (outcome) => {
        try {
          await this.#complete(record, await logs, counts, outcome);
        } catch (error) {
          log.warn(`the record of build ${Ref} could not be kept: ${messageOf(error)}`);
        } finally {
          this.#active.delete(Ref);
        }
      },
    };
  }

  async #complete(begun: BuildRecord, logs: Descriptor, counts: StepCounts, outcome: BuildOutcome): Promise<void> {
    const { failure, exporterResponse, results, documents } = outcome;
    const kept: Digest[] = [logs.digest];
    for (const { descriptor, bytes } of documents) {
      await this.#store.blobs.put(bytes, descriptor);
      kept.push(descriptor.digest);
    }
    let error: status.Status | undefined;
    let externalError: Descriptor | undefined;
    if (failure !== undefined) {
      error = statusOf(failure);
      const blob = await this.#store.blobs.put(toBinary(status.StatusSchema, error));
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
    this.#store.put(record, kept);
    this.#active.delete(record.Ref);
    this.#changes.tell({ type: COMPLETE, record });
    await this.#expire();
  }

  /**
   * What ListenBuildHistory answers: builds under way, then stored records, newest first; then, unless the client wants to leave early, every change.
   * @throws {BuildError} `invalid_argument` for a filter that cannot be read
   */
  async *listen(request: control.BuildHistoryRequest, signal: AbortSignal): AsyncGenerator<RecordChange> {
    if (request.Limit < 0) throw new BuildError("invalid_argument", `invalid limit ${request.Limit}`);
    const matches = parseHistoryFilters(request.Filter, this.#now());
    const isWanted = ({ Ref }: BuildRecord) => request.Ref === "" || Ref === request.Ref;
    const changes = this.#changes.listen(signal);
    try {
      for (const { record, counts } of this.#active.values()) {
        if (!isWanted(record)) continue;
        yield { type: STARTED, record: create(control.BuildHistoryRecordSchema, { ...record, ...counts.fields }) };
      }
      if (!request.ActiveOnly) yield* this.#stored(request, (record) => isWanted(record) && matches(record));
      if (request.EarlyExit) return;
      for await (const change of changes) {
        if (!isWanted(change.record)) continue;
        yield change;
        if (request.Ref !== "" && change.type === DELETED) {
          throw new BuildError("not_found", `ref ${request.Ref} is deleted`);
        }
      }
    } finally {
      await changes.return(undefined);
    }
  }

  *#stored(
    { Ref, Limit }: control.BuildHistoryRequest,
    isWanted: (record: BuildRecord) => boolean,
  ): Generator<RecordChange> {
    let left = Limit === 0 ? Number.POSITIVE_INFINITY : Limit;
    for (const ref of Ref === "" ? this.#store.refs() : [Ref]) {
      const record = this.#store.get(ref);
      if (!record || !isWanted(record)) continue;
      if (left-- <= 0) return;
      yield { type: COMPLETE, record };
    }
  }

  /** Everything that an ended build has told; `undefined` when there is no record of it. */
  told(ref: string, signal: AbortSignal): AsyncIterable<control.StatusResponse> | undefined {
    const logs = this.#store.get(ref)?.logs;
    return logs && readStatusLog(parseDigest(logs.digest), this.#store.blobs, signal);
  }

  /** Deletes a record, or pins or unpins it. @throws {BuildError} `not_found` */
  async update({ Ref, Delete, Finalize, Pinned }: control.UpdateBuildHistoryRequest): Promise<void> {
    const record = this.#store.get(Ref);
    if (!record) {
      if (Finalize && this.#active.has(Ref)) return; // nothing of it is held back
      throw new BuildError("not_found", `could not find build record ${Ref}: not found`);
    }
    if (Delete) {
      await this.#delete(record);
      return;
    }
    if (Finalize) return;
    const changed = create(control.BuildHistoryRecordSchema, {
      ...record,
      pinned: Pinned,
      Generation: record.Generation + 1,
    });
    this.#store.put(changed, []);
    this.#changes.tell({ type: COMPLETE, record: changed });
  }

  async #delete(record: BuildRecord): Promise<void> {
    await this.#store.delete(record.Ref);
    this.#changes.tell({ type: DELETED, record: create(control.BuildHistoryRecordSchema, { Ref: record.Ref }) });
  }

  async #expire(): Promise<void> {
    for (const ref of this.#store.expired(this.#limits, this.#now())) {
      const record = this.#store.get(ref);
      if (record) await this.#delete(record);
    }
  }

  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
  }
}

function encodeDescriptor({ mediaType, digest, size, annotations }: Descriptor): control.Descriptor {
  return create(control.DescriptorSchema, { mediaType, digest, size: BigInt(size), annotations: { ...annotations } });
}
