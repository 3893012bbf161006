import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { createPatternMatcher, type PatternMatcher } from "../../../base/text/patterns/mod.ts";
import { parseDockerignore } from "../../../dockerfile/mod.ts";
import { deferredState, local, marshal, type State } from "../../../llb/mod.ts";
import type { Bridge } from "../bridge.ts";
import { type DefinitionFile, readOptional } from "./definition-file.ts";
import type { DockerfileOptions } from "./options.ts";
import { resolvePath } from "./paths.ts";

/** Larger ones are refused. */
const maxDockerignoreBytes = 1024 * 1024;

/**
 * The directory that COPY and ADD take from. All platforms share one transfer of it, of exactly what any of them names; what that is, is
 * known when all have been converted, so the state is decided when the first graph is marshalled.
 */
export class BuildContext {
  readonly state: State;
  readonly #paths = new Set<string>();
  readonly #ignored: PatternMatcher;
  #closed = false;

  /** @param ignored patterns of `.dockerignore` */
  constructor(bridge: Bridge, options: DockerfileOptions, ignored: readonly string[]) {
    const { contextLocal } = options;
    this.#ignored = createPatternMatcher(ignored);
    this.state = deferredState(() => {
      this.#closed = true;
      return local(
        contextLocal,
        {
          sessionId: options.localSession(contextLocal) ?? bridge.sessionId,
          excludePatterns: ignored,
          followPaths: this.#paths.has("/") ? [] : [...this.#paths].map((path) => path.slice(1)).sort(),
          sharedKeyHint: contextLocal,
        },
        { name: "[internal] load build context" },
      );
    });
  }

  /**
   * Whether `.dockerignore` certainly keeps this path out. Where it has exceptions, nobody can tell without looking at the files; of the root
   * only a pattern for everything takes all.
   */
  ignores(path: string): boolean {
    if (this.#ignored.empty || this.#ignored.hasExceptions) return false;
    if (path === "." || path === "/") {
      return this.#ignored.patterns.some((pattern) => ["*", "**", "**/*"].includes(pattern));
    }
    return this.#ignored.matches(path);
  }

  /** Some step reads this path: from the context's root, wildcards allowed. */
  use(path: string): void {
    if (this.#closed)
      throw new Error("Internal error: a path of the build context is named after the graph was written");
    this.#paths.add(resolvePath("/", path));
  }
}

/**
 * The patterns of the file beside the Dockerfile, or else of `.dockerignore` in the context.
 * @throws {BuildError} for a pattern that is none, naming the file
 */
export async function readIgnorePatterns(
  bridge: Bridge,
  options: DockerfileOptions,
  definitionFile: DefinitionFile,
  { signal }: { signal: AbortSignal },
): Promise<readonly string[]> {
  const { contextLocal } = options;
  const { file, dockerignore } = definitionFile;
  if (dockerignore) return checkedPatterns(dockerignore, `${file.filename}.dockerignore`);
  const state = local(
    contextLocal,
    {
      sessionId: options.localSession(contextLocal) ?? bridge.sessionId,
      followPaths: [".dockerignore"],
      sharedKeyHint: `${contextLocal}-.dockerignore`,
      differ: "none",
    },
    { name: "[internal] load .dockerignore" },
  );
  const ref = await bridge.solve(marshal(state), { signal });
  const bytes = await readOptional(ref, ".dockerignore", { signal, maxBytes: maxDockerignoreBytes });
  return bytes ? checkedPatterns(bytes, ".dockerignore") : [];
}

function checkedPatterns(bytes: Uint8Array, filename: string): readonly string[] {
  const patterns = parseDockerignore(new TextDecoder().decode(bytes));
  try {
    createPatternMatcher(patterns);
  } catch (error) {
    throw new BuildError("invalid_argument", `failed parsing ${filename}: ${messageOf(error)}`, { cause: error });
  }
  return patterns;
}
