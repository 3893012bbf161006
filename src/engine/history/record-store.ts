import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeDirectory } from "../../base/files/mod.ts";
import { fromBinary, toBinary } from "../../base/protobuf/mod.ts";
import { timestampMs } from "../../base/protobuf/mod.ts";
import { control } from "../../api/mod.ts";
import { type ContentStore, openDirectoryStore } from "../../content/mod.ts";
import { type Digest, isDigest } from "../../oci/mod.ts";

type BuildRecord = control.BuildHistoryRecord;

/** How many ended builds are remembered: one goes when it is both too old and one too many. Pinned ones stay, and do not count. */
export interface HistoryLimits {
  readonly maxAgeMs: number;
  readonly maxEntries: number;
}

/** Records of ended builds in SQLite, and the blobs that they name, on disk. One process at a time. */
export class RecordStore implements Disposable {
  /** Logs and other attachments. */
  readonly blobs: ContentStore;
  readonly #database: DatabaseSync;
  readonly #pins = new Map<Digest, number>();

  private constructor(blobs: ContentStore, database: DatabaseSync) {
    this.blobs = blobs;
    this.#database = database;
  }

  /** Opens (and makes) the store below `directory`, and removes blobs that no record names: those of an engine that died. */
  static async open(directory: string): Promise<RecordStore> {
    const isNew = !existsSync(directory);
    await makeDirectory(directory, { mode: 0o700 });
    const blobs = await openDirectoryStore(directory);
    const database = new DatabaseSync(join(directory, "history.db"), { timeout: 5000 });
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS records (
        ref TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, completed_ms INTEGER NOT NULL, pinned INTEGER NOT NULL, record BLOB NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS records_by_creation ON records (created_ms);
      CREATE INDEX IF NOT EXISTS records_by_completion ON records (pinned, completed_ms DESC, ref);
      CREATE TABLE IF NOT EXISTS blobs (digest TEXT NOT NULL, ref TEXT NOT NULL, PRIMARY KEY (digest, ref)) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS blobs_by_ref ON blobs (ref);
    `);
    const store = new RecordStore(blobs, database);
    if (!isNew) await store.#sweep();
    return store;
  }

  /** Stores a record, in place of an older one of the same build. `digests` are all blobs that it keeps. */
  put(record: BuildRecord, digests: readonly Digest[]): void {
    const { Ref, CreatedAt, CompletedAt, pinned } = record;
    if (!CreatedAt || !CompletedAt) throw new Error(`Internal error: record ${Ref} is not complete`);
    this.#transaction(() => {
      this.#database
        .prepare("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)")
        .run(
          Ref,
          timestampMs(CreatedAt),
          timestampMs(CompletedAt),
          Number(pinned),
          toBinary(control.BuildHistoryRecordSchema, record),
        );
      const keep = this.#database.prepare("INSERT OR IGNORE INTO blobs VALUES (?, ?)");
      for (const digest of digests) keep.run(digest, Ref);
    });
  }

  get(ref: string): BuildRecord | undefined {
    const row = this.#database.prepare("SELECT record FROM records WHERE ref = ?").get(ref) as
      | { record: Uint8Array }
      | undefined;
    return row && fromBinary(control.BuildHistoryRecordSchema, row.record);
  }

  /** Refs of all records, newest first. */
  refs(): readonly string[] {
    const rows = this.#database.prepare("SELECT ref FROM records ORDER BY created_ms DESC, ref").all();
    return (rows as { ref: string }[]).map(({ ref }) => ref);
  }

  /** Refs of the records that the limits leave no room for. */
  expired({ maxAgeMs, maxEntries }: HistoryLimits, now: Date): readonly string[] {
    const newest = this.#database
      .prepare("SELECT ref FROM records WHERE pinned = 0 ORDER BY completed_ms DESC, ref LIMIT ?")
      .all(maxEntries) as { ref: string }[];
    const spared = new Set(newest.map(({ ref }) => ref));
    // All that is old, and not all that there is: one comes after the other for each build that ends.
    const old = this.#database
      .prepare("SELECT ref FROM records WHERE pinned = 0 AND completed_ms < ? ORDER BY completed_ms DESC, ref")
      .all(now.getTime() - maxAgeMs) as { ref: string }[];
    return old.map(({ ref }) => ref).filter((ref) => !spared.has(ref));
  }

  /**
   * Keeps a blob that is about to be written, or was, until a record that names it is stored: many builds fail in the same words, and another one's
   * record may go meanwhile. Dispose of what is returned then, or when there will be no such record.
   */
  pin(digest: Digest): Disposable {
    this.#pins.set(digest, (this.#pins.get(digest) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#pins.get(digest) ?? 1) - 1;
        if (left > 0) return void this.#pins.set(digest, left);
        this.#pins.delete(digest);
        void this.#drop(digest).catch(() => undefined); // the next start sweeps it
      },
    };
  }

  /** Forgets a record, and deletes what it alone kept. */
  async delete(ref: string): Promise<void> {
    const rows = this.#database.prepare("SELECT digest FROM blobs WHERE ref = ?").all(ref) as { digest: string }[];
    this.#transaction(() => {
      this.#database.prepare("DELETE FROM records WHERE ref = ?").run(ref);
      this.#database.prepare("DELETE FROM blobs WHERE ref = ?").run(ref);
    });
    for (const { digest } of rows) if (isDigest(digest)) await this.#drop(digest);
  }

  /** Deletes a blob that nobody wants. Nothing comes between the look and the deed. */
  async #drop(digest: Digest): Promise<void> {
    if (!this.#pins.has(digest) && !this.#isNamed(digest)) await this.blobs.remove(digest);
  }

  #isNamed(digest: Digest): boolean {
    return this.#database.prepare("SELECT 1 FROM blobs WHERE digest = ? LIMIT 1").get(digest) !== undefined;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  async #sweep(): Promise<void> {
    for await (const { digest } of this.blobs.list()) await this.#drop(digest);
  }

  #transaction(write: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      write();
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK"); // SQLite has done so itself where the disk is full
      throw error;
    }
  }
}
