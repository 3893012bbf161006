import { DatabaseSync } from "node:sqlite";
import { type Digest, parseDigest } from "../../../oci/mod.ts";

/** One state of what an address gives, as its server named it, and where it is kept. */
export interface KnownFile {
  /** Without the mark of weak ones. */
  readonly etag: string;
  readonly digest: Digest;
  readonly filename: string;
  /** `Last-Modified` as the server wrote it; empty: it said nothing. */
  readonly lastModified: string;
  /** The tree with the file, as the store of results names it. */
  readonly saved: string;
}

/** States of one address that are offered to its server. */
const versionsPerAddress = 8;

const keepMs = 60 * 24 * 3_600_000;

/** Which states of which addresses are kept, in SQLite across restarts. What they name may be gone by the time it is asked for. */
export class KnownFiles implements Disposable {
  readonly #database: DatabaseSync;
  readonly #now: () => Date;

  constructor(path: string, now: () => Date) {
    this.#now = now;
    this.#database = new DatabaseSync(path, { timeout: 5000 });
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS file (
        request TEXT NOT NULL, etag TEXT NOT NULL, digest TEXT NOT NULL, filename TEXT NOT NULL, last_modified TEXT NOT NULL,
        saved TEXT NOT NULL, used_ms INTEGER NOT NULL, PRIMARY KEY (request, etag)
      ) STRICT, WITHOUT ROWID;
      PRAGMA user_version = 1;
    `);
    this.#database.prepare("DELETE FROM file WHERE used_ms < ?").run(now().getTime() - keepMs);
  }

  /** The last states that a request got, newest first. @param request digest of all that decides the answer */
  of(request: Digest): readonly KnownFile[] {
    const sql = "SELECT * FROM file WHERE request = ? ORDER BY used_ms DESC LIMIT ?";
    return this.#database.prepare(sql).all(request, versionsPerAddress).map(fileOf);
  }

  /** Remembers a state, or that it was met again. */
  add(request: Digest, { etag, digest, filename, lastModified, saved }: KnownFile): void {
    const now = this.#now().getTime();
    this.#database
      .prepare("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(request, etag, digest, filename, lastModified, saved, now);
    const old =
      "DELETE FROM file WHERE request = ?1 AND etag NOT IN (SELECT etag FROM file WHERE request = ?1 ORDER BY used_ms DESC LIMIT ?2)";
    this.#database.prepare(old).run(request, versionsPerAddress);
  }

  /** What was kept is gone. */
  forget(request: Digest, { etag }: KnownFile): void {
    this.#database.prepare("DELETE FROM file WHERE request = ? AND etag = ?").run(request, etag);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function fileOf(row: Readonly<Record<string, unknown>>): KnownFile {
  const text = (name: string) => String(row[name]);
  return {
    etag: text("etag"),
    digest: parseDigest(text("digest")),
    filename: text("filename"),
    lastModified: text("last_modified"),
    saved: text("saved"),
  };
}
