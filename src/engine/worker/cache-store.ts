import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Digest, parseDigest } from "../../oci/mod.ts";
import type { Ref, RefStore } from "../refs/mod.ts";
import type { CacheStore } from "../solver/mod.ts";

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
      CREATE TABLE IF NOT EXISTS content_keys (
        key TEXT PRIMARY KEY,
        content_key TEXT NOT NULL
      ) WITHOUT ROWID;
    `);
    this.#select = this.#database.prepare("SELECT result FROM results WHERE key = ?");
    this.#insert = this.#database.prepare(
      "INSERT INTO results VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT(key) DO UPDATE SET result = excluded.result, description = excluded.description, created_at = excluded.created_at, used_at = excluded.used_at",
    );
    this.#touch = this.#database.prepare("UPDATE results SET used_at = ?, uses = uses + 1 WHERE key = ?");
    this.#selectContentKey = this.#database.prepare("SELECT content_key FROM content_keys WHERE key = ?");
    this.#insertContentKey = this.#database.prepare("INSERT OR REPLACE INTO content_keys VALUES (?, ?)");
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
    return Promise.resolve(row && parseDigest(row.content_key));
  }

  storeContentKey(key: Digest, contentKey: Digest): Promise<void> {
    this.#insertContentKey.run(key, contentKey);
    return Promise.resolve();
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
