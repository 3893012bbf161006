import { rm } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../../base/files/mod.ts";
import { mountOverlay, unmountIfMounted } from "../../../base/sys/mod.ts";
import { digestHex, digestOf } from "../../../oci/mod.ts";
import type { DiskUse } from "../disk-use.ts";

/** How several steps use one cache directory at the same time. */
export type CacheSharing = "shared" | "private" | "locked";

/** Which cache a step wants, and how. */
export interface CacheRequest {
  /** Decides which cache it is. */
  readonly name: string;
  readonly sharing: CacheSharing;
  /** What an earlier step left is not wanted. */
  readonly empty: boolean;
  /** Directories of a tree that the cache starts with, topmost first. The same for all requests of one name. */
  readonly seed: readonly string[];
}

/** A cache directory in use. Disposing of it lets others in; what is in it stays. */
export interface CacheMount extends Disposable {
  readonly path: string;
}

/** One directory of a cache; most caches have one. */
interface Slot {
  readonly path: string;
  users: number;
  exclusive: boolean;
  /** Where its users find it, once it is set up. All of them see one mount: two overlays may not share an upper directory. */
  place: Promise<string> | undefined;
}

/**
 * The directories of `RUN --mount=type=cache`, which outlive builds. Steps with the same cache share its first directory, wait for it, or
 * get one that nobody else has, as they ask.
 */
export class CacheMounts {
  readonly #root: string;
  readonly #use: DiskUse | undefined;
  readonly #slots = new Map<string, Slot[]>();
  readonly #waiting = new Set<() => void>();

  /** @param use told of every directory while it is in use */
  constructor(root: string, use?: DiskUse) {
    this.#root = root;
    this.#use = use;
  }

  /** @throws the signal's reason when it aborts before a locked cache is free */
  async acquire(request: CacheRequest, options: { signal: AbortSignal }): Promise<CacheMount> {
    const slot = await this.#take(request, options.signal);
    const use = this.#use?.begin(slot.path, `cached mount ${shownName(request.name)}`);
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.#leave(slot);
      use?.[Symbol.dispose]();
    };
    try {
      slot.place ??= setUp(slot.path, request);
      return { path: await slot.place, [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #leave(slot: Slot): void {
    if (--slot.users === 0) {
      slot.place = undefined;
      unmountIfMounted(join(slot.path, "merged"));
    }
    for (const wake of this.#waiting) wake();
  }

  async #take(request: CacheRequest, signal: AbortSignal): Promise<Slot> {
    for (;;) {
      signal.throwIfAborted();
      const slot = this.#choose(request);
      if (slot) {
        slot.users++;
        slot.exclusive = request.sharing !== "shared" || request.empty;
        return slot;
      }
      await this.#change(signal);
    }
  }

  /** The directory to use now; `undefined`: to be waited for. */
  #choose({ name, sharing, empty }: CacheRequest): Slot | undefined {
    const directory = join(this.#root, digestHex(digestOf(name)));
    const slots = this.#slots.get(name) ?? [];
    this.#slots.set(name, slots);
    const add = () => {
      const slot = { path: join(directory, String(slots.length)), users: 0, exclusive: false, place: undefined };
      slots.push(slot);
      return slot;
    };
    if (sharing === "locked") {
      const [first = add()] = slots;
      return first.users === 0 ? first : undefined;
    }
    return slots.find((slot) => slot.users === 0 || (sharing === "shared" && !empty && !slot.exclusive)) ?? add();
  }

  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#waiting.add(resolve);
    try {
      await promise;
    } finally {
      this.#waiting.delete(resolve);
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** A name as people know it: without what it starts with, and without the slash that frontends put before a path. */
function shownName(name: string): string {
  return name.replace(/:[0-9a-f]*$/, "").replace(/^\/+/, "/");
}

async function setUp(slot: string, { empty, seed }: CacheRequest): Promise<string> {
  if (empty) await rm(slot, { recursive: true, force: true });
  await makeDirectory(slot, { mode: 0o700 });
  const place = async (name: string) => {
    const path = join(slot, name);
    await makeDirectory(path, { mode: 0o755 });
    return path;
  };
  if (seed.length === 0) return await place("data");
  const target = await place("merged");
  mountOverlay({ lower: seed, upper: await place("upper"), work: await place("work"), target });
  return target;
}
