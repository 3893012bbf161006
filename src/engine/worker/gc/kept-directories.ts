import { randomUUID } from "node:crypto";
import { existsSync, renameSync, rmdirSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeDirectory } from "../../../base/files/mod.ts";
import type { ByteWorkers } from "../../bytes/mod.ts";
import type { DiskUse } from "../../ops/mod.ts";
import { type Removable, recordId, type RecordType } from "./record.ts";

/** One kind of directories (or files) that steps and sources keep across builds. */
export interface Shelf {
  readonly type: RecordType;
  /** Below the root: where they lie, `depth` levels down. */
  readonly directory: string;
  readonly depth: number;
  /** What one is called of which nothing else is known. */
  readonly description: string;
}

interface Row {
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly created_ms: number;
  readonly used_ms: number;
  readonly uses: number;
  readonly bytes: number | null;
}

/** Names with a dot are in the making, or belong to one build only: litter at start-up. */
const isLitter = (name: string): boolean => name.includes(".");

/**
 * What is kept across builds besides results: cache mounts, received directories. Knows who uses what, so that nothing is removed meanwhile, and what
 * each takes. One process at a time.
 */
export class KeptDirectories implements Disposable {
  readonly #root: string;
  readonly #trash: string;
  readonly #bytes: ByteWorkers;
  readonly #shelves: readonly Shelf[];
  readonly #now: () => Date;
  readonly #database: DatabaseSync;
  readonly #users = new Map<string, number>();
  #deleting: Promise<void> = Promise.resolve();

  private constructor(options: { root: string; shelves: readonly Shelf[]; bytes: ByteWorkers; now: () => Date }) {
    this.#root = options.root;
    this.#trash = join(options.root, "trash");
    this.#bytes = options.bytes;
    this.#shelves = options.shelves;
    this.#now = options.now;
    this.#database = new DatabaseSync(join(options.root, "kept.db"), { timeout: 5000 });
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS kept (
        path TEXT PRIMARY KEY, type TEXT NOT NULL, description TEXT NOT NULL, created_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL,
        uses INTEGER NOT NULL, bytes INTEGER
      ) STRICT, WITHOUT ROWID;
      PRAGMA user_version = 1;
    `);
  }

  /** Opens what is kept below `root`, and deletes in the background what removals and builds that were cut short have left. */
  static async open(options: {
    readonly root: string;
    readonly shelves: readonly Shelf[];
    readonly bytes: ByteWorkers;
    readonly now: () => Date;
  }): Promise<KeptDirectories> {
    await makeDirectory(join(options.root, "trash"), { mode: 0o700 });
    const kept = new KeptDirectories(options);
    for (const name of await readdir(kept.#trash)) void kept.#delete(join(kept.#trash, name));
    const there = new Set<string>();
    for (const shelf of options.shelves) for (const path of await kept.#adopt(shelf)) there.add(path);
    for (const { path } of kept.#rows()) if (!there.has(path)) kept.#forget(path);
    return kept;
  }

  /** What those who keep something on a shelf tell of its use. */
  use({ type }: Shelf): DiskUse {
    return { begin: (path, description) => this.#begin(relative(this.#root, path), type, description) };
  }

  /** Everything that is kept. What was used since it was last counted is counted on worker threads. */
  async records({ signal }: { signal: AbortSignal }): Promise<readonly Removable[]> {
    const rows = this.#rows();
    const unknown = rows.filter(({ bytes }) => bytes === null);
    const paths = unknown.map(({ path }) => join(this.#root, path));
    const sums = paths.length === 0 ? [] : await this.#bytes.run("measure", { paths }, { signal });
    const counted = new Map(unknown.map(({ path }, at) => [path, sums[at] ?? 0]));
    for (const [path, bytes] of counted) {
      // What is in use goes on changing.
      if (!this.#users.has(path)) this.#run("UPDATE kept SET bytes = ? WHERE path = ?", bytes, path);
    }
    return rows.map((row) => this.#removable(row, row.bytes ?? counted.get(row.path) ?? 0));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #removable({ path, type, description, created_ms, used_ms, uses }: Row, bytes: number): Removable {
    const record = {
      id: recordId(path),
      parents: [],
      type: type as RecordType,
      description,
      bytes,
      createdAt: new Date(created_ms),
      usedAt: uses > 0 ? new Date(used_ms) : undefined,
      uses,
      isInUse: this.#users.has(path),
      isShared: false,
      isMutable: true,
    };
    return { record, remove: () => this.#remove(path) };
  }

  #begin(path: string, type: RecordType, description: string): Disposable {
    this.#users.set(path, (this.#users.get(path) ?? 0) + 1);
    const now = this.#now().getTime();
    this.#run(
      "INSERT INTO kept VALUES (?, ?, ?, ?, ?, 0, NULL) ON CONFLICT DO UPDATE SET description = excluded.description, bytes = NULL",
      path,
      type,
      description,
      now,
      now,
    );
    let used = true;
    return {
      [Symbol.dispose]: () => {
        if (!used) return;
        used = false;
        const left = (this.#users.get(path) ?? 1) - 1;
        if (left > 0) return void this.#users.set(path, left);
        this.#users.delete(path);
        const sql = "UPDATE kept SET used_ms = ?, uses = uses + 1, bytes = NULL WHERE path = ?";
        if (this.#database.isOpen) this.#run(sql, this.#now().getTime(), path);
      },
    };
  }

  /** In one turn of the main thread: the row first, then the directory by a rename. */
  #remove(path: string): Promise<void> | undefined {
    if (this.#users.has(path)) return undefined;
    this.#forget(path);
    const from = join(this.#root, path);
    if (!existsSync(from)) return Promise.resolve();
    const moved = join(this.#trash, randomUUID());
    renameSync(from, moved);
    this.#removeEmpty(dirname(path));
    return this.#delete(moved);
  }

  /** The directory of several with one name, after the last of them. The shelf itself stays. */
  #removeEmpty(path: string): void {
    const isShelf = this.#shelves.some(({ directory }) => directory === path);
    if (isShelf || [...this.#users.keys()].some((used) => used.startsWith(`${path}/`))) return;
    try {
      rmdirSync(join(this.#root, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
    }
  }

  /** One after the other, so that builds find threads that are free. Failures are left to the next start. */
  async #delete(path: string): Promise<void> {
    const work = () => this.#bytes.run("remove", { path }, { signal: new AbortController().signal });
    const deleted = this.#deleting.then(work).catch(() => undefined);
    this.#deleting = deleted;
    await deleted;
  }

  /** Takes what lies on a shelf without a row into the table. @returns all that is there */
  async #adopt(shelf: Shelf): Promise<readonly string[]> {
    let paths = [shelf.directory];
    for (let depth = 0; depth < shelf.depth; depth++) {
      const below = await Promise.all(paths.map(async (path) => await this.#namesIn(path)));
      paths = below.flat();
    }
    const kept: string[] = [];
    for (const path of paths) {
      if (isLitter(path)) {
        const moved = join(this.#trash, randomUUID());
        renameSync(join(this.#root, path), moved);
        void this.#delete(moved);
        continue;
      }
      kept.push(path);
      const { birthtimeMs, mtimeMs } = await stat(join(this.#root, path));
      const sql = "INSERT INTO kept VALUES (?, ?, ?, ?, ?, 1, NULL) ON CONFLICT DO NOTHING";
      this.#run(sql, path, shelf.type, shelf.description, Math.floor(birthtimeMs), Math.floor(mtimeMs));
    }
    return kept;
  }

  async #namesIn(path: string): Promise<readonly string[]> {
    const names = await readdir(join(this.#root, path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
      throw error;
    });
    return names.map((name) => join(path, name));
  }

  #forget(path: string): void {
    this.#run("DELETE FROM kept WHERE path = ?", path);
  }
  #rows(): readonly Row[] {
    return this.#database.prepare("SELECT * FROM kept ORDER BY path").all() as unknown as readonly Row[];
  }
  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#database.prepare(sql).run(...values);
  }
}
