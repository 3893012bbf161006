import { Semaphore } from "../../base/async/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import { hashFiles } from "../bytes/mod.ts";
import { encodeToc } from "../snapshots/mod.ts";
import { type StoreParts, writeAtomically } from "./parts.ts";
import { readToc } from "./stored-toc.ts";

/**
 * Digests of files that a process wrote. A RUN may write a great deal, of which later steps copy a file or two, so each file is hashed when its digest is
 * first needed, once: its layer's directory never changes. They are remembered here while the layer is held, and then in its stored table.
 */
export class FileDigests {
  readonly #parts: StoreParts;
  readonly #id: string;
  readonly #known = new Map<string, Digest>();
  /** One after the other: who comes second finds what the first has hashed. The worker threads are busy either way. */
  readonly #turns = new Semaphore(1);
  #unstored = false;

  /** @param id of the layer */
  constructor(parts: StoreParts, id: string) {
    this.#parts = parts;
    this.#id = id;
  }

  /** Digests of regular files of the layer, in the order of `paths`. */
  async of(paths: readonly string[], { signal }: { signal: AbortSignal }): Promise<readonly Digest[]> {
    using _turn = await this.#turns.acquire({ signal });
    await this.#hash(paths, signal);
    return paths.map((path) => this.#known.get(path) as Digest);
  }

  /** Writes what was hashed since the layer was opened into its table. For when nobody holds the layer: it may have been removed meanwhile. */
  async store(): Promise<void> {
    if (!this.#unstored) return;
    this.#unstored = false;
    const { places } = this.#parts;
    try {
      const toc = await readToc(this.#parts, this.#id, undefined);
      if (!toc) return;
      const entries = toc.entries.map((entry) => {
        const digest = entry.digest ?? this.#known.get(entry.path);
        return digest && entry.type === "file" ? { ...entry, digest } : entry;
      });
      await writeAtomically(this.#parts, places.toc(this.#id), encodeToc({ ...toc, entries }));
    } catch {
      // The table is as good as before: a later build hashes again what it needs.
    }
  }

  async #hash(paths: readonly string[], signal: AbortSignal): Promise<void> {
    const { bytes, places } = this.#parts;
    const missing = paths.filter((path) => !this.#known.has(path));
    if (missing.length === 0) return;
    const hashed = await hashFiles(bytes, places.directory(this.#id), missing, { signal });
    for (const [at, path] of missing.entries()) {
      const digest = hashed[at]?.digest;
      if (!digest) throw new BuildError("data_loss", `layer ${this.#id} has lost ${JSON.stringify(`/${path}`)}`);
      this.#known.set(path, digest);
    }
    this.#unstored = true;
  }
}
