import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Descriptor, type Digest, type LayerCompression, layerMediaType } from "../../oci/mod.ts";
import type { Codec } from "../bytes/mod.ts";

/** Where a layer came from, which decides how its faces are made. */
export type LayerKind = "image" | "packed" | "upper";

/** Where files came from that can be had again at little cost. */
export type LayerOrigin = "git" | "frontend" | "internal";

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
  readonly origin?: LayerOrigin | undefined;
}

/** What is known of one layer besides: how it is used, and what it takes. */
export interface LayerUse {
  readonly id: string;
  readonly diffId: Digest | undefined;
  readonly description: string;
  readonly descriptor: Descriptor | undefined;
  readonly origin: LayerOrigin | undefined;
  /** When it came into the store. */
  readonly addedAt: Date;
  /** When it was last given back; undefined: never. */
  readonly usedAt: Date | undefined;
  readonly uses: number;
  /** Bytes on disk of its directory, where they were counted since it last changed. */
  readonly directoryBytes: number | undefined;
}

/** A blob that was made of a layer's tar. */
export interface BlobRow {
  readonly diffId: Digest;
  readonly digest: Digest;
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
`;

/** What came with later versions of the engine, in order: a database has had as many of them as its user_version says, less one. */
const migrations = [
  `
    ALTER TABLE layer ADD COLUMN added_ms INTEGER;
    ALTER TABLE layer ADD COLUMN used_ms INTEGER;
    ALTER TABLE layer ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE layer ADD COLUMN directory_bytes INTEGER;
    CREATE INDEX layer_below ON layer (below);
    CREATE INDEX layer_diff_id ON layer (diff_id);
    CREATE INDEX layer_digest ON layer (json_extract(descriptor, '$.digest'));
    CREATE INDEX stack_below ON stack (below);
    CREATE INDEX stack_layer ON stack (layer);
    CREATE INDEX blob_digest ON blob (digest);
    CREATE TABLE doomed (digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  `,
  "ALTER TABLE layer ADD COLUMN origin TEXT",
];

/** The store's tables. Every method is one transaction; rows appear after the files that they speak of. */
export class RefDatabase implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string) {
    this.#db = new DatabaseSync(file, { timeout: 5000 });
    this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    const version = Number(this.#db.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version > migrations.length + 1)
      throw new Error(`${file} was written by a newer version of the engine (${version})`);
    this.transaction(() => {
      if (version === 0) this.#db.exec(schema);
      for (const migration of migrations.slice(Math.max(version, 1) - 1)) this.#db.exec(migration);
      this.#db.exec(`PRAGMA user_version = ${migrations.length + 1}`);
    });
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

  /** Adds a layer; one that is there already stays as it is. @param addedAt when it came into the store */
  addLayer(row: LayerRow, addedAt: Date): void {
    const { id, kind, below, diffId, createdAt, description, descriptor, origin } = row;
    this.#run(
      "INSERT INTO layer (id, kind, below, diff_id, created_ms, description, descriptor, added_ms, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      id,
      kind,
      below ?? null,
      diffId ?? null,
      createdAt.getTime(),
      description,
      descriptor ? JSON.stringify(descriptor) : null,
      addedAt.getTime(),
      origin ?? null,
    );
  }

  /** Somebody held the layer until `at`. */
  noteUse(id: string, at: Date): void {
    this.#run("UPDATE layer SET used_ms = ?, uses = uses + 1 WHERE id = ?", at.getTime(), id);
  }

  /** Remembers what the layer's directory takes; `undefined`: that has changed. */
  setDirectoryBytes(id: string, bytes: number | undefined): void {
    this.#run("UPDATE layer SET directory_bytes = ? WHERE id = ?", bytes ?? null, id);
  }

  /** Every layer, in the order in which they came. */
  layerUses(): readonly LayerUse[] {
    return this.#all("SELECT *, coalesce(added_ms, created_ms) AS came_ms FROM layer ORDER BY came_ms, id").map(
      (row) => {
        const descriptor = optionalText(row["descriptor"]);
        return {
          id: text(row["id"]),
          diffId: optionalText(row["diff_id"]) as Digest | undefined,
          description: text(row["description"]),
          descriptor: descriptor === undefined ? undefined : (JSON.parse(descriptor) as Descriptor),
          origin: optionalText(row["origin"]) as LayerOrigin | undefined,
          addedAt: new Date(Number(row["came_ms"])),
          usedAt: row["used_ms"] === null ? undefined : new Date(Number(row["used_ms"])),
          uses: Number(row["uses"]),
          directoryBytes: row["directory_bytes"] === null ? undefined : Number(row["directory_bytes"]),
        };
      },
    );
  }

  /** Which layers stand directly on which, in any stack. */
  standings(): readonly { readonly layer: string; readonly on: string }[] {
    const sql = `
      SELECT DISTINCT stack.layer AS layer, base.layer AS base FROM stack JOIN stack AS base ON base.id = stack.below
      UNION SELECT layer.id, base.layer FROM layer JOIN stack AS base ON base.id = layer.below`;
    return this.#all(sql).map((row) => ({ layer: text(row["layer"]), on: text(row["base"]) }));
  }

  /** Whether any layer stands on `id`. */
  hasAbove(id: string): boolean {
    const sql = `
      SELECT 1 FROM stack AS base WHERE base.layer = ?
      AND (EXISTS (SELECT 1 FROM stack WHERE below = base.id) OR EXISTS (SELECT 1 FROM layer WHERE below = base.id))`;
    return this.#get(sql, id) !== undefined;
  }

  /** Blobs made of tars. */
  blobs(): readonly BlobRow[] {
    return this.#all("SELECT diff_id, digest FROM blob").map((row) => ({
      diffId: text(row["diff_id"]) as Digest,
      digest: text(row["digest"]) as Digest,
    }));
  }

  /** The layers that stand on `id`, directly or not, in any stack. */
  layersAbove(id: string): readonly string[] {
    const rows = this.#stacksFrom(id);
    const onStacks = rows.flatMap((row) => this.#all("SELECT id FROM layer WHERE below = ?", text(row["id"])));
    const layers = [...rows.map((row) => text(row["layer"])), ...onStacks.map((row) => text(row["id"]))];
    return [...new Set(layers)].filter((layer) => layer !== id);
  }

  /** Every stack that has the layer in it, wherever. */
  #stacksFrom(id: string): Record<string, unknown>[] {
    const sql = `
      WITH RECURSIVE above (id, layer) AS (
        SELECT id, layer FROM stack WHERE layer = ?
        UNION SELECT stack.id, stack.layer FROM stack JOIN above ON stack.below = above.id
      ) SELECT id, layer FROM above`;
    return this.#all(sql, id);
  }

  /**
   * Deletes all rows of a layer and of the stacks that have it in them, and notes as doomed the blobs that no other layer needs.
   * @param isKept says of digests whether they are needed for another reason
   */
  removeLayer(
    id: string,
    isKept: (digest: Digest) => boolean,
  ): { stacks: readonly string[]; doomed: readonly Digest[] } {
    const row = this.layer(id);
    const stacks = this.#stacksFrom(id).map((stack) => text(stack["id"]));
    for (const stack of stacks) this.#run("DELETE FROM stack WHERE id = ?", stack);
    this.#run("DELETE FROM layer WHERE id = ?", id);
    const candidates = new Set<Digest>();
    if (row?.descriptor) candidates.add(row.descriptor.digest);
    if (row?.diffId && !this.#get("SELECT 1 FROM layer WHERE diff_id = ?", row.diffId) && !isKept(row.diffId)) {
      candidates.add(row.diffId);
      for (const made of this.#all("SELECT digest FROM blob WHERE diff_id = ?", row.diffId))
        candidates.add(text(made["digest"]) as Digest);
      this.#run("DELETE FROM blob WHERE diff_id = ?", row.diffId);
    }
    const doomed = [...candidates].filter((digest) => !this.needsBlob(digest) && !isKept(digest));
    for (const digest of doomed) this.#doom(digest);
    return { stacks, doomed };
  }

  /** Deletes what is known of blobs that belong to no layer, and notes them as doomed. */
  removeBlobs(digests: readonly Digest[]): void {
    for (const digest of digests) {
      this.#run("DELETE FROM blob WHERE digest = ?", digest);
      this.#doom(digest);
    }
  }

  /** Whether any layer is, or is made from, this blob. */
  needsBlob(digest: Digest): boolean {
    const sql = `
      SELECT 1 FROM layer WHERE diff_id = ?1 OR json_extract(descriptor, '$.digest') = ?1
      UNION SELECT 1 FROM blob JOIN layer ON layer.diff_id = blob.diff_id WHERE blob.digest = ?1`;
    return this.#get(sql, digest) !== undefined;
  }

  /** Blobs whose rows are deleted and whose bytes may still be there. */
  doomed(): readonly Digest[] {
    return this.#all("SELECT digest FROM doomed").map((row) => text(row["digest"]) as Digest);
  }

  /** The bytes are gone, or are needed again. */
  spare(digests: readonly Digest[]): void {
    for (const digest of digests) this.#run("DELETE FROM doomed WHERE digest = ?", digest);
  }

  #doom(digest: Digest): void {
    this.#run("DELETE FROM known_in WHERE digest = ?", digest);
    this.#run("INSERT INTO doomed VALUES (?) ON CONFLICT DO NOTHING", digest);
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

  /** A compressed form of the tar `diffId` that there has been, gzip before others. */
  compressedBlob(diffId: Digest): Descriptor | undefined {
    const row = this.#get(
      "SELECT digest, size, type FROM blob WHERE diff_id = ? AND type <> 'uncompressed' ORDER BY type, level LIMIT 1",
      diffId,
    );
    if (!row) return undefined;
    const mediaType = layerMediaType({ family: "oci", compression: text(row["type"]) as LayerCompression });
    return { mediaType, digest: text(row["digest"]) as Digest, size: Number(row["size"]) };
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
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK"); // SQLite has done so itself where the disk is full
      throw error;
    }
  }

  /** Whether it has not been disposed of yet. */
  get isOpen(): boolean {
    return this.#db.isOpen;
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
