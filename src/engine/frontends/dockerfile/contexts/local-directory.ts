import { deferredState, local, type State } from "../../../../llb/mod.ts";
import { resolvePath } from "../paths.ts";

/**
 * A directory of the client that steps take files from. All platforms share one transfer of it, of exactly what any of them names; what that is, is
 * known when all have been converted, so the state is decided when the first graph is marshalled.
 */
export class LocalDirectory {
  readonly state: State;
  readonly #paths = new Set<string>();
  #closed = false;

  constructor(options: {
    /** Under which name the client shares it. */
    readonly local: string;
    readonly sessionId: string;
    /** Patterns of its `.dockerignore`. */
    readonly ignored: readonly string[];
    readonly sharedKeyHint: string;
    /** Of the step. */
    readonly name: string;
  }) {
    const { sessionId, ignored, sharedKeyHint, name } = options;
    this.state = deferredState(() => {
      this.#closed = true;
      const followPaths = this.#paths.has("/") ? [] : [...this.#paths].map((path) => path.slice(1)).sort();
      return local(options.local, { sessionId, excludePatterns: ignored, followPaths, sharedKeyHint }, { name });
    });
  }

  /** Some step reads this path: from the directory's root, wildcards allowed. */
  use(path: string): void {
    if (this.#closed) {
      throw new Error("Internal error: a path of a context is named after the graph was written");
    }
    this.#paths.add(resolvePath("/", path));
  }
}
