import { DatabaseSync, type StatementSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { type Digest, parseDigest } from "../../oci/mod.ts";
import type { Ref, RefStore } from "../refs/mod.ts";
import type { CacheStore } from "../solver/mod.ts";

/** How exactly it is known when a content key was last asked for. */
const touchMs = 3_600_000;

/**
 * Which key gives which result, kept in SQLite across restarts. Keys are digests that the solver made; results are named as
 * {@link RefStore.save} names them, and one that is gone by the time it is asked for simply counts as a miss.
 */
export class SqliteCacheStore implements CacheStore<Ref>, Disposable {
  readonly #refs: RefStore;
  readonly #database: DatabaseSync;
  readonly #select: StatementSync;
  readonly #insert: StatementSync;
  readonly #touch: StatementSync;
  readonly #delete: StatementSync;
  readonly #selectContentKey: StatementSync;
  readonly #insertContentKey: StatementSync;
  readonly #touchContentKey: StatementSync;
  readonly #forget: StatementSync;

  constructor(path: string, refs: RefStore) {
    this.#refs = refs;
    this.#database = new DatabaseSync(path, { timeout: 5000 });
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS results (
        key TEXT PRIMARY KEY,
        result TEXT NOT NULL,
        description TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        used_at INTEGER NOT NULL,
        uses INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS results_by_result ON results (result);
      CREATE TABLE IF NOT EXISTS content_keys (
        key TEXT PRIMARY KEY,
        content_key TEXT NOT NULL
      ) WITHOUT ROWID;
    `);
    const { user_version: version } = this.#database.prepare("PRAGMA user_version").get() as { user_version: number };
    if (version < 1) {
      this.#database.exec(`
        BEGIN;
        ALTER TABLE content_keys ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
        PRAGMA user_version = 1;
        COMMIT;
      `);
    }
    this.#select = this.#database.prepare("SELECT result FROM results WHERE key = ?");
    this.#insert = this.#database.prepare(
      "INSERT INTO results VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT(key) DO UPDATE SET result = excluded.result, description = excluded.description, created_at = excluded.created_at, used_at = excluded.used_at",
    );
    this.#touch = this.#database.prepare("UPDATE results SET used_at = ?, uses = uses + 1 WHERE key = ?");
    this.#selectContentKey = this.#database.prepare("SELECT content_key FROM content_keys WHERE key = ?");
    this.#insertContentKey = this.#database.prepare("INSERT OR REPLACE INTO content_keys VALUES (?, ?, ?)");
    this.#touchContentKey = this.#database.prepare("UPDATE content_keys SET used_at = ? WHERE key = ? AND used_at < ?");
    this.#forget = this.#database.prepare("DELETE FROM results WHERE result = ?");
    this.#delete = this.#database.prepare("DELETE FROM results WHERE key = ? AND result = ?");
  }

  async load(key: Digest): Promise<Ref | undefined> {
    const row = this.#select.get(key) as { result: string } | undefined;
    if (!row) return undefined;
    const ref = await this.#refs.load(row.result);
    if (ref) this.#touch.run(Date.now(), key);
    else this.#delete.run(key, row.result);
    return ref;
  }

  async store(key: Digest, result: Ref, info: { readonly description: string }): Promise<void> {
    const saved = this.#refs.save(result);
    if (saved === undefined) return;
    const now = Date.now();
    this.#insert.run(key, saved, info.description, now, now);
  }

  loadContentKey(key: Digest): Promise<Digest | undefined> {
    const row = this.#selectContentKey.get(key) as { content_key: string } | undefined;
    const now = Date.now();
    if (row) this.#touchContentKey.run(now, key, now - touchMs);
    return Promise.resolve(row && parseDigest(row.content_key));
  }

  storeContentKey(key: Digest, contentKey: Digest): Promise<void> {
    this.#insertContentKey.run(key, contentKey, Date.now());
    return Promise.resolve();
  }

  /** Forgets every key that leads to one of these results, as {@link RefStore.save} named them. */
  forget(results: readonly string[]): void {
    for (const result of results) this.#forget.run(result);
  }

  /** Deletes keys of results that are no more, and content keys that nobody has asked for since `before`. Leaves others their turn now and then. */
  async sweep(isKnown: (result: string) => boolean, before: Date): Promise<void> {
    this.#database.prepare("DELETE FROM content_keys WHERE used_at < ?").run(before.getTime());
    const results = this.#database.prepare("SELECT DISTINCT result FROM results").all() as { result: string }[];
    for (const [at, { result }] of results.entries()) {
      if (at % 100 === 99) await setImmediate();
      if (!this.#database.isOpen) return;
      if (!isKnown(result)) this.#forget.run(result);
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
