import { open } from "node:fs/promises";
import type { pb } from "../../api/mod.ts";
import { BuildError, isAbort, messageOf } from "../../base/errors/mod.ts";
import { digestOf, type Platform, parseReference, withDefaultTag } from "../../oci/mod.ts";
import type { Bridge, BridgeFileStat, BridgeRef, FrontendWarning, ResolvedImageConfig } from "../frontends/mod.ts";
import { loadDefinition, type OpDeps, followPath } from "../ops/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { TocEntry, Tree } from "../snapshots/mod.ts";
import type { Job } from "../solver/mod.ts";
import type { JobEnvironment } from "./environment.ts";

/** Files that frontends read whole are small; without a bound of their own this one holds. */
const readLimitBytes = 16 * 1024 * 1024;

/** What a frontend sees of the engine: one build. Every ref that it looks into is held until {@link close}. */
export class FrontendBridge implements Bridge, AsyncDisposable {
  readonly options: Readonly<Record<string, string>>;
  readonly sessionId: string;
  readonly platforms: readonly Platform[];
  readonly inputs: Readonly<Record<string, pb.Definition>>;
  readonly #job: Job<Ref, JobEnvironment>;
  readonly #deps: OpDeps<JobEnvironment>;
  readonly #environment: JobEnvironment;
  readonly #held: Promise<Ref | undefined>[] = [];
  readonly #configs = new Map<string, Promise<ResolvedImageConfig>>();

  constructor(options: {
    readonly attributes: Readonly<Record<string, string>>;
    readonly sessionId: string;
    readonly platforms: readonly Platform[];
    readonly inputs: Readonly<Record<string, pb.Definition>>;
    readonly job: Job<Ref, JobEnvironment>;
    readonly deps: OpDeps<JobEnvironment>;
    readonly environment: JobEnvironment;
  }) {
    this.options = options.attributes;
    this.sessionId = options.sessionId;
    this.platforms = options.platforms;
    this.inputs = options.inputs;
    this.#job = options.job;
    this.#deps = options.deps;
    this.#environment = options.environment;
  }

  async resolveImageConfig(
    name: string,
    options: Parameters<Bridge["resolveImageConfig"]>[1],
  ): Promise<ResolvedImageConfig> {
    const { platform, logName, signal } = options;
    const key = JSON.stringify([name, platform, logName]);
    let config = this.#configs.get(key);
    if (!config) {
      config = this.#resolve(name, platform, logName, signal);
      config.catch(() => undefined);
      this.#configs.set(key, config);
    }
    return await config;
  }

  async #resolve(name: string, platform: Platform, logName: string, signal: AbortSignal): Promise<ResolvedImageConfig> {
    const step = this.#job.progressFor({ digest: digestOf(`metadata ${logName}`), name: logName });
    step.start();
    try {
      const reference = withDefaultTag(parseReference(name));
      const image = await this.#environment.images.resolve(reference, { platform, signal });
      step.complete();
      return { ref: name, digest: image.digest, config: image.configBytes };
    } catch (error) {
      step.error(error);
      if (isAbort(error) || signal.aborted) throw error;
      const code = error instanceof BuildError ? error.code : "unknown";
      throw new BuildError(code, `${name}: failed to resolve source metadata for ${name}: ${messageOf(error)}`, { cause: error });
    }
  }

  async solve(definition: pb.Definition): Promise<BridgeRef> {
    const { edge } = loadDefinition(definition, this.#deps);
    let ref: Promise<Ref | undefined> | undefined;
    const tree = async (signal: AbortSignal): Promise<{ ref: Ref; tree: Tree } | undefined> => {
      if (!ref) {
        ref = edge ? this.#job.build(edge) : Promise.resolve(undefined);
        ref.catch(() => undefined);
        this.#held.push(ref);
      }
      const built = await ref;
      return built && { ref: built, tree: await built.tree({ signal }) };
    };
    return {
      readFile: async (path, { signal, maxBytes = readLimitBytes }) => {
        const built = await tree(signal);
        const entry = built && find(built.tree, path);
        if (!built || !entry) throw new BuildError("not_found", `open ${path}: no such file or directory`);
        if (entry.type !== "file") throw new BuildError("invalid_argument", `${path} is not a regular file`);
        if (entry.size > maxBytes) {
          throw new BuildError("resource_exhausted", `${path} is too large: ${entry.size} bytes, at most ${maxBytes} are read`);
        }
        const [located] = await built.ref.locate([entry], { signal });
        return await readEntry(located ?? entry);
      },
      stat: async (path, { signal }) => {
        const built = await tree(signal);
        const entry = built && find(built.tree, path);
        return entry && statOf(entry, path);
      },
      readDir: async (path, { signal }) => {
        const built = await tree(signal);
        const entry = built && find(built.tree, path);
        if (!built || !entry) throw new BuildError("not_found", `open ${path}: no such file or directory`);
        return built.tree.children(entry.path).flatMap((name) => {
          const child = built.tree.get(entry.path === "" ? name : `${entry.path}/${name}`);
          return child ? [statOf(child, name)] : [];
        });
      },
    };
  }

  warn(warning: FrontendWarning): void {
    const { vertex, short, detail, url, locations } = warning;
    const step = this.#job.progressFor({
      digest: vertex ?? digestOf("frontend warnings"),
      name: "[internal] load build definition from Dockerfile",
    });
    step.warn({ level: 1, short, ...(detail ? { detail } : {}), ...(url ? { url } : {}), ...(locations ? { ranges: locations } : {}) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const held = await Promise.allSettled(this.#held);
    for (const result of held) {
      if (result.status === "fulfilled") await result.value?.release();
    }
  }
}

/** The entry that `path` leads to, symlinks followed inside the tree; `undefined` when it leads nowhere. */
function find(tree: Tree, path: string): TocEntry | undefined {
  return tree.get(followPath(tree, path));
}

function statOf(entry: TocEntry, path: string): BridgeFileStat {
  const type = entry.type === "dir" ? "directory" : entry.type === "file" || entry.type === "symlink" ? entry.type : "other";
  return { path, type, size: entry.size };
}

async function readEntry(entry: TocEntry): Promise<Uint8Array> {
  const { content } = entry;
  if (!content) throw new Error(`Internal error: ${entry.path} has no content after locate()`);
  if (content.kind === "bytes") return content.data;
  await using file = await open(content.file, "r");
  const bytes = Buffer.alloc(entry.size);
  let filled = 0;
  while (filled < bytes.byteLength) {
    const { bytesRead } = await file.read(bytes, filled, bytes.byteLength - filled, content.offsetBytes + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
