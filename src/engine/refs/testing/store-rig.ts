import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import { mountOverlay, unmount } from "../../../base/sys/mod.ts";
import { type ContentStore, openDirectoryStore } from "../../../content/mod.ts";
import { type ByteWorkers, openByteWorkers } from "../../bytes/mod.ts";
import { type OpenedRefStore, openRefStore, type Ref } from "../mod.ts";
import { signal } from "./layers.ts";

/** A store in a directory of its own, for tests. */
export interface StoreRig {
  readonly root: string;
  readonly content: ContentStore;
  readonly bytes: ByteWorkers;
  readonly store: OpenedRefStore;
  /** Closes the store and opens it again, as after a restart. */
  reopen(): Promise<StoreRig>;
}

const bytes = openByteWorkers({ limit: 2 });
after(() => bytes[Symbol.asyncDispose]());

/** Opens a store whose directory goes with the test. */
export async function storeRig(t: TestContext): Promise<StoreRig> {
  const root = mkdtempSync(join(tmpdir(), "refs-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return await openRig(root);
}

async function openRig(root: string): Promise<StoreRig> {
  const content = await openDirectoryStore(join(root, "content"));
  const store = await openRefStore({ root: join(root, "refs"), content, bytes });
  const reopen = async (): Promise<StoreRig> => {
    await store[Symbol.asyncDispose]();
    return await openRig(root);
  };
  return { root, content, bytes, store, reopen };
}

/** All bytes of a stream. */
export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Runs `work` in a mounted overlay of a mutable tree on `parent`, and commits. */
export async function runIn(rig: StoreRig, parent: Ref, work: (root: string) => void): Promise<Ref> {
  const tree = await rig.store.mutable(parent, { signal, description: "test" });
  const target = mkdtempSync(join(rig.root, "mnt-"));
  mountOverlay({ ...tree.overlay, target });
  try {
    work(target);
  } finally {
    unmount(target);
  }
  return await tree.commit({ signal, description: "test" });
}

/** Shows `ref` mounted to `look`. */
export async function showing<T>(rig: StoreRig, ref: Ref, look: (root: string) => T): Promise<T> {
  const target = mkdtempSync(join(rig.root, "mnt-"));
  const lower = await ref.lowerDirs({ signal });
  const empty = join(rig.root, "empty");
  mkdirSync(empty, { recursive: true });
  mountOverlay({ lower: [...lower, empty], target });
  try {
    return look(target);
  } finally {
    unmount(target);
  }
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
