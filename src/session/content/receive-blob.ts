import type { MessageInitShape } from "../../base/protobuf/mod.ts";
import { timestampFromDate } from "../../base/protobuf/mod.ts";
import { content } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { ContentMismatchError, type ContentStore, type Ingest } from "../../content/mod.ts";
import { type Digest, parseDigest } from "../../oci/mod.ts";

type Reply = MessageInitShape<typeof content.WriteContentResponseSchema>;

/**
 * One call of containerd's `Content.Write`: takes in one blob and answers each message. A blob that the store has already is `already_exists`, which
 * senders take for success.
 * @throws {BuildError} `out_of_range` for bytes that do not follow on those before, `failed_precondition` when it is another blob in the end
 */
export async function* receiveBlob(
  requests: AsyncIterable<content.WriteContentRequest>,
  store: ContentStore,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<Reply> {
  await using taking = new Taking(store, signal);
  const startedAt = timestampFromDate(new Date());
  const reply = (action: content.WriteAction, more: Reply): Reply => ({
    action,
    startedAt,
    updatedAt: timestampFromDate(new Date()),
    ...more,
  });
  let total = 0n;
  for await (const { action, ref, total: said, expected, offset, data } of requests) {
    if (ref === "" && !taking.isNamed) throw new BuildError("invalid_argument", "first message must have a reference");
    taking.isNamed = true;
    if (said > 0n) total = said;
    const digest = expected === "" ? undefined : parseDigest(expected);
    if (digest && (await store.has(digest))) {
      throw new BuildError("already_exists", `content ${digest}: already exists`);
    }
    switch (action) {
      case content.WriteAction.STAT:
        yield reply(action, { offset: BigInt(taking.size), total });
        break;
      case content.WriteAction.WRITE:
        await taking.write(offset, data);
        yield reply(action, { offset: BigInt(taking.size), total });
        break;
      case content.WriteAction.COMMIT: {
        if (data.byteLength > 0) await taking.write(offset, data);
        const { size } = taking;
        const committed = await taking.commit({ digest, size: total > 0n ? Number(total) : undefined });
        yield reply(action, { offset: BigInt(size), total: BigInt(size), digest: committed });
        return;
      }
      default:
        throw new BuildError("invalid_argument", `unknown write action ${String(action)}`);
    }
  }
}

/** A blob that is coming in. */
class Taking implements AsyncDisposable {
  isNamed = false;
  readonly #store: ContentStore;
  readonly #signal: AbortSignal;
  #ingest: Ingest | undefined;

  constructor(store: ContentStore, signal: AbortSignal) {
    this.#store = store;
    this.#signal = signal;
  }

  get size(): number {
    return this.#ingest?.size ?? 0;
  }

  /** Bytes that follow on those before; at the beginning they take the place of what was there. */
  async write(offset: bigint, data: Uint8Array): Promise<void> {
    if (offset === 0n && this.size > 0) await this.#drop();
    if (offset !== BigInt(this.size)) {
      throw new BuildError("out_of_range", `write @${offset} must occur at current offset ${this.size}: out of range`);
    }
    await (await this.#open()).write(data);
  }

  /** @returns the blob's digest */
  async commit(wanted: { readonly digest: Digest | undefined; readonly size: number | undefined }): Promise<Digest> {
    const ingest = await this.#open();
    if (wanted.size !== undefined && ingest.size !== wanted.size) {
      throw new BuildError(
        "failed_precondition",
        `unexpected commit size ${ingest.size}, expected ${wanted.size}: failed precondition`,
      );
    }
    try {
      const claimed = wanted.digest && { digest: wanted.digest, size: ingest.size };
      return (await ingest.commit(claimed)).digest;
    } catch (error) {
      if (!(error instanceof ContentMismatchError)) throw error;
      throw new BuildError("failed_precondition", error.message, { cause: error });
    }
  }

  async #open(): Promise<Ingest> {
    return (this.#ingest ??= await this.#store.ingest({ signal: this.#signal }));
  }

  async #drop(): Promise<void> {
    await this.#ingest?.abort();
    this.#ingest = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#drop();
  }
}
