import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Descriptor, Digest } from "../../oci/mod.ts";
import type { Codec } from "../bytes/mod.ts";

/** Where a layer came from, which decides how its faces are made. */
export type LayerKind = "image" | "packed" | "upper";

/** What outlives the process of one layer. */
export interface LayerRow {
  readonly id: string;
  readonly kind: LayerKind;
  /** Stack below, for an image's layer. */
  readonly below: string | undefined;
  /** Unknown until an upper directory was packed for the first time. */
  readonly diffId: Digest | undefined;
  readonly createdAt: Date;
  readonly description: string;
  /** As the registry has it, for an image's layer. */
  readonly descriptor: Descriptor | undefined;
}

/** One layer on top of a stack. */
export interface StackRow {
  readonly below: string;
  readonly layer: string;
}

const schema = `
  CREATE TABLE IF NOT EXISTS layer (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, below TEXT, diff_id TEXT, created_ms INTEGER NOT NULL, description TEXT NOT NULL, descriptor TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS stack (id TEXT PRIMARY KEY, below TEXT NOT NULL, layer TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS blob (
    diff_id TEXT NOT NULL, type TEXT NOT NULL, level INTEGER NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (diff_id, type, level)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS known_in (digest TEXT NOT NULL, repository TEXT NOT NULL, PRIMARY KEY (digest, repository)) STRICT, WITHOUT ROWID;
  PRAGMA user_version = 1;
`;

/** The store's tables. Every method is one transaction; rows appear after the files that they speak of. */
export class RefDatabase implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string) {
    this.#db = new DatabaseSync(file, { timeout: 5000 });
    this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    const version = this.#db.prepare("PRAGMA user_version").get()?.["user_version"];
    if (version !== 0 && version !== 1)
      throw new Error(`${file} was written by another version of the engine (${String(version)})`);
    this.#db.exec(schema);
  }

  layer(id: string): LayerRow | undefined {
    const row = this.#get("SELECT * FROM layer WHERE id = ?", id);
    if (!row) return undefined;
    const descriptor = optionalText(row["descriptor"]);
    return {
      id,
      kind: text(row["kind"]) as LayerKind,
      below: optionalText(row["below"]),
      diffId: optionalText(row["diff_id"]) as Digest | undefined,
      createdAt: new Date(Number(row["created_ms"])),
      description: text(row["description"]),
      descriptor: descriptor === undefined ? undefined : (JSON.parse(descriptor) as Descriptor),
    };
  }

  /** Adds a layer; one that is there already stays as it is. */
  addLayer(row: LayerRow): void {
    const { id, kind, below, diffId, createdAt, description, descriptor } = row;
    this.#run(
      "INSERT INTO layer VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      id,
      kind,
      below ?? null,
      diffId ?? null,
      createdAt.getTime(),
      description,
      descriptor ? JSON.stringify(descriptor) : null,
    );
  }

  setDiffId(id: string, diffId: Digest): void {
    this.#run("UPDATE layer SET diff_id = ? WHERE id = ?", diffId, id);
  }

  setDescriptor(id: string, descriptor: Descriptor): void {
    this.#run("UPDATE layer SET descriptor = ? WHERE id = ?", JSON.stringify(descriptor), id);
  }

  layerIds(): readonly string[] {
    return this.#all("SELECT id FROM layer").map((row) => text(row["id"]));
  }

  stack(id: string): StackRow | undefined {
    const row = this.#get("SELECT below, layer FROM stack WHERE id = ?", id);
    return row && { below: text(row["below"]), layer: text(row["layer"]) };
  }

  addStack(id: string, row: StackRow): void {
    this.#run("INSERT INTO stack VALUES (?, ?, ?) ON CONFLICT DO NOTHING", id, row.below, row.layer);
  }

  /** The blob that compressing the tar `diffId` in this way gave. */
  blob(diffId: Digest, codec: Codec): { readonly digest: Digest; readonly size: number } | undefined {
    const row = this.#get(
      "SELECT digest, size FROM blob WHERE diff_id = ? AND type = ? AND level = ?",
      diffId,
      codec.type,
      levelOf(codec),
    );
    return row && { digest: text(row["digest"]) as Digest, size: Number(row["size"]) };
  }

  addBlob(diffId: Digest, codec: Codec, blob: { readonly digest: Digest; readonly size: number }): void {
    const sql = "INSERT OR REPLACE INTO blob VALUES (?, ?, ?, ?, ?)";
    this.#run(sql, diffId, codec.type, levelOf(codec), blob.digest, blob.size);
  }

  knownIn(digest: Digest): readonly string[] {
    const rows = this.#all("SELECT repository FROM known_in WHERE digest = ? ORDER BY repository", digest);
    return rows.map((row) => text(row["repository"]));
  }

  addKnownIn(digest: Digest, repository: string): void {
    this.#run("INSERT INTO known_in VALUES (?, ?) ON CONFLICT DO NOTHING", digest, repository);
  }

  /** Makes several changes one. */
  transaction(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #get(sql: string, ...values: (string | number | null)[]): Record<string, unknown> | undefined {
    return this.#prepare(sql).get(...values);
  }
  #all(sql: string, ...values: (string | number | null)[]): Record<string, unknown>[] {
    return this.#prepare(sql).all(...values);
  }
  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#prepare(sql).run(...values);
  }
  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }
}

function levelOf(codec: Codec): number {
  return codec.type === "uncompressed" ? 0 : codec.level;
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Error(`Internal error: ${String(value)} in a text column`);
  return value;
}

function optionalText(value: unknown): string | undefined {
  return value === null ? undefined : text(value);
}
