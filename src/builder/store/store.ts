import { goJson } from "../../base/text/go-values/mod.ts";
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { chown, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { makeDirectory } from "../../base/files/mod.ts";
import { type Owner, ownerBehindSudo, storeDirectory } from "./directory.ts";
import { validName } from "./names.ts";
import { type CurrentBuilder, defaultsFile, type RememberedBuild, StoreReader } from "./reader.ts";
import { type BuilderRecord, encodeRecord } from "./record.ts";

/** How often a lock that somebody else has is asked for. */
const pollMs = 20;
/** Nobody keeps the lock longer than a builder's status may take to load; beyond that, waiting is explained. */
const lockTimeoutMs = 60_000;

/** The store of one user. Nothing is made on disk before something is to be changed. */
export class BuilderStore extends StoreReader {
  readonly #owner: Owner | undefined;
  constructor(env: Readonly<Record<string, string | undefined>>, home: string) {
    super(storeDirectory(env, home));
    this.#owner = ownerBehindSudo(this.directory, env, home);
  }
  /**
   * Does `work` while nobody else, be it us or buildx, changes the store.
   * @throws {BuildError} `unavailable` when somebody else does not get on
   */
  async transact<T>(
    work: (store: StoreTransaction) => Promise<T>,
    options: { readonly signal: AbortSignal },
  ): Promise<T> {
    try {
      for (const path of ["instances", "defaults", "activity"]) await this.#directory(path);
    } catch (cause) {
      throw new BuildError(
        "permission_denied",
        `cannot make ${this.directory}: ${messageOf(cause)}: BUILDX_CONFIG names another place for builders`,
        { cause },
      );
    }
    const lock = await this.#lock(options.signal);
    try {
      return await work(new StoreTransaction(this.directory, this.#owner));
    } finally {
      closeSync(lock); // which unlocks
    }
  }
  /** Sixteen hexadecimal digits that stand for this machine and user from build to build; made at first need. */
  async nodeIdentity(): Promise<string> {
    const read = () => readFile(join(this.directory, ".buildNodeID"), "utf8").catch(() => "");
    const known = await read();
    if (known !== "") return known;
    await this.#directory("");
    await writeWhole(this.directory, ".buildNodeID", randomBytes(8).toString("hex"), this.#owner);
    return await read(); // another process may have been at it at the same moment
  }
  /** Remembers of a build where its sources were, so that it can be named later on. Needs no lock: nobody else writes this file. */
  async rememberBuild(builder: string, node: string, ref: string, build: RememberedBuild): Promise<void> {
    const directory = join("refs", validName(builder), validName(node));
    await this.#directory(directory);
    const { localPath, dockerfilePath, target } = build;
    const text = goJson({ Target: target, LocalPath: localPath, DockerfilePath: dockerfilePath });
    await writeWhole(this.directory, join(directory, ref), text, this.#owner);
  }
  /** Forgets builds that the engine has forgotten. */
  async forgetBuild(builder: string, node: string, ref: string): Promise<void> {
    await rm(join(this.directory, "refs", validName(builder), validName(node), ref), { force: true });
  }
  async #lock(signal: AbortSignal): Promise<number> {
    const path = join(this.directory, ".lock");
    const { tryLock } = await import("../../base/sys/mod.ts");
    const lock = openSync(path, "a", 0o600);
    try {
      for (const end = Date.now() + lockTimeoutMs; !tryLock(lock); ) {
        if (Date.now() > end) {
          throw new BuildError(
            "unavailable",
            `another program has kept ${path} locked for a minute: find it with lsof`,
          );
        }
        await sleep(pollMs, undefined, { signal });
      }
      return lock;
    } catch (error) {
      closeSync(lock);
      throw error;
    }
  }
  async #directory(path: string): Promise<void> {
    const owner = this.#owner;
    const onMade = async (made: string): Promise<void> => {
      if (owner) await chown(made, owner.uid, owner.gid);
    };
    await makeDirectory(join(this.directory, path), { mode: 0o700, onMade });
  }
}

/** A store while it is locked. */
export class StoreTransaction extends StoreReader {
  readonly #owner: Owner | undefined;
  constructor(directory: string, owner: Owner | undefined) {
    super(directory);
    this.#owner = owner;
  }
  /** Adds or replaces a builder, which counts as using it. */
  async save(record: BuilderRecord, now: Date): Promise<void> {
    const name = validName(record.name);
    await this.touch(name, now);
    await this.#write(join("instances", name), encodeRecord(record));
  }
  /** Removes a builder and what is known of its builds. */
  async remove(name: string): Promise<void> {
    const file = validName(name);
    for (const path of [`activity/${file}`, `refs/${file}`, `instances/${file}`]) await this.#remove(path);
  }
  /** Forgets the builds of one node. */
  async forgetNode(builder: string, node: string): Promise<void> {
    await this.#remove(join("refs", validName(builder), validName(node)));
  }
  /** Selects a builder. `asDefault`: also whenever nothing else is selected for this endpoint. */
  async setCurrent(current: CurrentBuilder, options: { readonly asDefault: boolean }): Promise<void> {
    const { key, name, global } = current;
    await this.#write("current", goJson({ Key: key, Name: name, Global: global }));
    const file = join("defaults", defaultsFile(key));
    await (options.asDefault ? this.#write(file, name) : this.#remove(file));
  }
  /** Remembers that a builder was used. */
  async touch(name: string, now: Date): Promise<void> {
    await this.#write(join("activity", name), now.toISOString().replace(/\.\d+Z$/, "Z"));
  }
  async #write(path: string, text: string): Promise<void> {
    await writeWhole(this.directory, path, text, this.#owner);
  }
  async #remove(path: string): Promise<void> {
    await rm(join(this.directory, path), { recursive: true, force: true });
  }
}

/** A reader finds the old file or the new one. What a crash leaves lies where buildx does not look for builders. */
async function writeWhole(directory: string, name: string, text: string, owner: Owner | undefined): Promise<void> {
  const path = join(directory, name);
  const temporary = join(directory, `.tmp-${randomBytes(6).toString("hex")}`);
  try {
    await writeFile(temporary, text, { mode: 0o600, flush: true });
    if (owner) await chown(temporary, owner.uid, owner.gid);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new BuildError(
      (cause as NodeJS.ErrnoException).code === "ENOSPC" ? "resource_exhausted" : "permission_denied",
      `cannot write ${path}: ${messageOf(cause)}`,
      { cause },
    );
  }
}
