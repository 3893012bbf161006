import { rm } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../../base/files/mod.ts";
import { SingleFlight } from "../../../base/async/mod.ts";
import { createPatternMatcher } from "../../../base/text/patterns/mod.ts";
import type { TreeFilter } from "../../../filesync/mod.ts";
import { digestHex, digestOf } from "../../../oci/mod.ts";
import { locateDirectory, receiveDirectory, type SessionCaller } from "../../../session/mod.ts";
import type { ByteWorkers, WalkStamp } from "../../bytes/mod.ts";
import type { DiskUse } from "../../ops/mod.ts";
import { decodeToc, type LayerToc } from "../../snapshots/mod.ts";
import type { VertexProgress } from "../../solver/mod.ts";

/** Walks whose tables stay in memory. */
const rememberedWalks = 4;

/** A client's directory, at hand: valid for as long as the build lasts. */
export interface OpenContext {
  readonly root: string;
  readonly toc: LayerToc;
}

export interface Contexts {
  /** @throws {BuildError} `not_found` when the client does not share such a directory */
  open(
    caller: SessionCaller,
    name: string,
    options: {
      readonly filter: TreeFilter;
      /** Nothing that was received before is taken for what it looks like. */
      readonly anew: boolean;
      /** Of which entries more is wanted than what the client tells of them; `undefined`: of all. */
      readonly contentsOf: readonly string[] | undefined;
      /** Part of what says that two transfers are of the same directory. */
      readonly hint: string;
      readonly signal: AbortSignal;
      readonly progress: VertexProgress;
    },
  ): Promise<OpenContext>;
}

/** Who is told what of the kept things is in use. */
export interface ContextUse {
  readonly received: DiskUse;
  readonly indexes: DiskUse;
}

/**
 * Directories of clients. What is read in place leaves an index of digests behind; what is received stays, so that the next transfer of the same
 * directory only brings what changed. A received directory belongs to one build at a time: a second one at the same time gets a fresh one.
 */
export function openContexts(options: {
  readonly bytes: ByteWorkers;
  readonly root: string;
  readonly use?: ContextUse;
}): Contexts {
  const { bytes, root, use } = options;
  const inUse = new Set<string>();
  const walks = new SingleFlight<string, OpenContext>();
  /** The last few walks, most recent last: a directory in which nothing changed since costs a walk and nothing else. */
  const recent = new Map<string, { readonly stamp: WalkStamp; readonly toc: LayerToc }>();

  /**
   * Walks and hashes, with what is left of the last walk of the same directory and filter.
   * @param isPassing nobody will walk this directory again
   */
  async function walk(
    directory: string,
    filter: TreeFilter,
    signal: AbortSignal,
    report: (hashedBytes: number) => void,
    { isPassing = false } = {},
  ): Promise<OpenContext> {
    const key = digestHex(digestOf(JSON.stringify([directory, filter])));
    const indexFile = join(root, "indexes", key);
    return await walks.run(
      key,
      async (shared) => {
        using _inUse = isPassing ? undefined : use?.indexes.begin(indexFile, `index of local source ${directory}`);
        const last = recent.get(key);
        await makeDirectory(join(root, "indexes"), { mode: 0o700 });
        const walked = await bytes.run(
          "walk",
          { root: directory, filter, indexFile, ...(last ? { known: last.stamp } : {}) },
          { signal: shared, onProgress: report },
        );
        if (isPassing) await rm(indexFile, { force: true });
        report(walked.unchanged ? 0 : walked.hashedBytes);
        recent.delete(key);
        if (walked.unchanged) {
          if (!last) throw new Error("Internal error: nothing changed since a walk that was never made");
          recent.set(key, last);
          return { root: directory, toc: last.toc };
        }
        const toc = decodeToc(walked.toc, (path) => ({ kind: "range", file: `${directory}/${path}`, offsetBytes: 0 }));
        recent.set(key, { stamp: walked.stamp, toc });
        for (const [oldest] of recent) if (recent.size > rememberedWalks) recent.delete(oldest);
        return { root: directory, toc };
      },
      { signal },
    );
  }

  return {
    async open(caller, name, { filter, anew, contentsOf, hint, signal, progress }) {
      const id = `transferring ${name}:`;
      const started = new Date();
      let bytesSoFar = 0;
      const report = (current: number) => {
        bytesSoFar = current;
        progress.status({ id, current, started });
      };
      const done = (context: OpenContext) => {
        progress.status({ id, current: bytesSoFar, started, completed: new Date() });
        return context;
      };
      // What the client tells of a directory is known only where it is sent.
      const located = contentsOf ? undefined : await locateDirectory(caller, name, { signal });
      if (located !== undefined) return done(await walk(located, filter, signal, report));
      const key = digestHex(digestOf(JSON.stringify([name, hint, caller.sharedKey, filter, contentsOf])));
      // Without a shared key nothing says that two transfers are of one directory.
      const shared = caller.sharedKey !== "" && !inUse.has(key);
      const directory = join(root, "received", shared ? key : `${key}.${caller.id}.${performance.now()}`);
      if (shared) inUse.add(key);
      const kept = shared ? use?.received.begin(directory, `local source for ${name}`) : undefined;
      const release = async () => {
        kept?.[Symbol.dispose]();
        if (shared) inUse.delete(key);
        else await rm(directory, { recursive: true, force: true });
      };
      caller.closed.addEventListener("abort", () => void release(), { once: true });
      await makeDirectory(directory, { mode: 0o700 });
      await receiveDirectory(caller, name, {
        ...filter,
        target: directory,
        anew,
        ...(contentsOf && { only: matcherOf(contentsOf) }),
        signal,
        onProgress: report,
      });
      // What counts for people is what was sent; reading it once more is our own affair.
      return done(await walk(directory, {}, signal, () => undefined, { isPassing: !shared }));
    },
  };
}

/** @throws {BuildError} `invalid_argument` for what is no pattern */
function matcherOf(patterns: readonly string[]): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  const matcher = createPatternMatcher(patterns);
  return (path) => matcher.matches(path);
}
