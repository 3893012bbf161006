import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Semaphore } from "../../../base/async/mod.ts";
import { makeDirectory } from "../../../base/files/mod.ts";
import { withoutLogin } from "../../../base/text/logins/mod.ts";
import { digestHex, digestOf } from "../../../oci/mod.ts";
import type { DiskUse } from "../../ops/mod.ts";
import { type Git, GitFailure } from "./git.ts";
import type { ObjectFormat } from "./object-name.ts";

/** Which repository is wanted, by whom. */
export interface RepositoryUse {
  /** As the request names it, with a login if it has one: who has another login gets another repository. */
  readonly remote: string;
  readonly format: ObjectFormat;
  readonly git: Git;
  readonly signal: AbortSignal;
}

/**
 * One bare repository for each remote, kept across builds: of what is wanted next only what is new has to be fetched. A repository belongs to one
 * build at a time, since git's own locks let others fail instead of wait.
 *
 * May be killed at any instruction: a repository appears by a rename, objects arrive in packs that appear whole, and what is left of locks and
 * half a pack is removed before the next use. Should one be broken all the same, it is made anew.
 */
export class GitRepositories {
  readonly #root: string;
  readonly #use: DiskUse;
  readonly #turns = new Map<string, { readonly turn: Semaphore; users: number }>();

  /** @param options.root where they lie @param options.use is told which are in use */
  constructor(options: { readonly root: string; readonly use: DiskUse }) {
    this.#root = options.root;
    this.#use = options.use;
  }

  /** Does `work` in the remote's repository, alone; once more, in a fresh one, when git fails in one that was there already. */
  async with<T>(use: RepositoryUse, work: (directory: string) => Promise<T>): Promise<T> {
    const { remote, format, git, signal } = use;
    const directory = join(this.#root, digestHex(digestOf(JSON.stringify([remote, format]))));
    using _turn = await this.#turn(directory, signal);
    using _inUse = this.#use.begin(directory, `shared git repo for ${withoutLogin(remote)}`);
    if (existsSync(directory)) {
      await clearLitter(directory);
      try {
        return await work(directory);
      } catch (error) {
        if (!(error instanceof GitFailure)) throw error;
      }
    }
    // The one that is there stays until the new one has proved itself: it may be the remote that is broken.
    const fresh = `${directory}.${randomUUID()}`;
    try {
      await initialize(git, fresh, format);
      const result = await work(fresh);
      await rm(directory, { recursive: true, force: true });
      await rename(fresh, directory);
      return result;
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }

  async #turn(directory: string, signal: AbortSignal): Promise<Disposable> {
    let entry = this.#turns.get(directory);
    if (!entry) this.#turns.set(directory, (entry = { turn: new Semaphore(1), users: 0 }));
    const mine = entry;
    mine.users++;
    const leave = () => {
      if (--mine.users === 0) this.#turns.delete(directory);
    };
    try {
      const place = await mine.turn.acquire({ signal });
      return {
        [Symbol.dispose]: () => {
          place[Symbol.dispose]();
          leave();
        },
      };
    } catch (error) {
      leave();
      throw error;
    }
  }
}

async function initialize(git: Git, directory: string, format: ObjectFormat): Promise<void> {
  await makeDirectory(directory, { mode: 0o700 });
  await git.run(["-c", "init.defaultBranch=master", "init", "--quiet", "--bare", `--object-format=${format}`], {
    cwd: directory,
  });
  // Packs appear whole, single objects one after the other.
  await git.run(["config", "fetch.unpackLimit", "1"], { cwd: directory });
  // For checkouts that bring their own repository.
  await git.run(["config", "uploadpack.allowAnySHA1InWant", "true"], { cwd: directory });
}

/** Of commands that were killed. Nobody else is at work in the repository. */
async function clearLitter(directory: string): Promise<void> {
  const places = ["", "refs", "refs/fetched", "objects", "objects/info", "objects/pack"];
  for (const place of places) {
    const path = join(directory, place);
    const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    for (const name of names) {
      if (name.endsWith(".lock") || name.startsWith("tmp_")) await rm(join(path, name), { recursive: true });
    }
  }
}
