import { randomUUID } from "node:crypto";
import { mkdir, rm, rmdir, writeFile, chown, chmod } from "node:fs/promises";
import { join } from "node:path";
import { mountOverlay, mountTmpfs, unmountIfMounted } from "../../../base/sys/mod.ts";
import { type ForwardedAgent, listenForAgent } from "../../../session/mod.ts";
import type { MutableRef, Ref } from "../../refs/mod.ts";

/** How long taking a workspace down may take before it is reported as stuck. */
const teardownLimitMs = 60_000;

/**
 * The directories and mounts of one running process, below one directory of its own. Disposing of it undoes everything in reverse order,
 * whatever was cancelled; what cannot be undone in a minute is reported.
 */
export class Workspace implements AsyncDisposable {
  readonly #root: string;
  readonly #undo: AsyncDisposableStack;
  #next = 0;
  #disposing: Promise<void> | undefined;

  private constructor(root: string, undo: AsyncDisposableStack) {
    this.#root = root;
    this.#undo = undo;
  }

  /** Makes an empty one below `runRoot`. */
  static async open(runRoot: string): Promise<Workspace> {
    const root = join(runRoot, `exec-${randomUUID()}`);
    const undo = new AsyncDisposableStack();
    await mkdir(root, { mode: 0o711 });
    undo.defer(() => rmdir(root));
    return new Workspace(root, undo);
  }

  /** Has something done at the end, before what was set up earlier is undone. */
  defer(undo: () => Promise<void> | void): void {
    this.#undo.defer(undo);
  }

  /** Shows a writable tree. It is unmounted by {@link close}, or when the workspace goes. */
  async mountMutable(mutable: MutableRef): Promise<{ readonly path: string; readonly close: () => void }> {
    const path = await this.#mountPoint();
    const close = () => void unmountIfMounted(path);
    this.#undo.defer(close);
    mountOverlay({ ...mutable.overlay, target: path, volatile: true });
    return { path, close };
  }

  /** Shows a tree that nobody writes to. */
  async mountReadonly(ref: Ref, options: { signal: AbortSignal }): Promise<string> {
    const lower = await ref.lowerDirs(options);
    const path = await this.#mountPoint();
    const directories = lower.length > 0 ? lower : [await this.directory()];
    this.#undo.defer(() => void unmountIfMounted(path));
    mountOverlay({ lower: directories, target: path });
    return path;
  }

  /** Writes a file that never reaches a disk. */
  async secretFile(data: Uint8Array, options: { uid: number; gid: number; mode: number }): Promise<string> {
    const directory = await this.#mountPoint();
    this.#undo.defer(() => void unmountIfMounted(directory));
    mountTmpfs(directory, { mode: 0o700 });
    const path = join(directory, "secret");
    await writeFile(path, data, { mode: 0o600 });
    await chown(path, options.uid, options.gid);
    await chmod(path, options.mode);
    return path;
  }

  /** Opens a socket at which an agent answers. */
  async agentSocket(agent: ForwardedAgent, owner: { uid: number; gid: number; mode: number }): Promise<string> {
    return this.#undo.use(await listenForAgent(agent, await this.directory(), owner)).path;
  }

  /** An empty directory, deleted at the end. */
  async directory(): Promise<string> {
    const path = join(this.#root, String(this.#next++));
    await mkdir(path, { mode: 0o755 });
    this.#undo.defer(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#undo.disposeAsync();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`Internal error: ${this.#root} could not be taken down in ${teardownLimitMs} ms`)),
      teardownLimitMs,
    );
    try {
      await Promise.race([this.#disposing, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #mountPoint(): Promise<string> {
    const path = join(this.#root, String(this.#next++));
    await mkdir(path, { mode: 0o755 });
    this.#undo.defer(() => rmdir(path)); // not recursive: where unmounting failed, that would delete what is mounted
    return path;
  }
}
