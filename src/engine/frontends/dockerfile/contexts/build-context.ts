import { createPatternMatcher, type PatternMatcher } from "../../../../base/text/patterns/mod.ts";
import type { State } from "../../../../llb/mod.ts";
import type { Bridge } from "../../bridge.ts";
import type { DefinitionFile } from "../definition-file.ts";
import type { DockerfileOptions } from "../options.ts";
import { ignorePatterns, readDockerignore } from "./ignore-file.ts";
import { LocalDirectory } from "./local-directory.ts";
import { NamedContexts } from "./named-contexts.ts";

/** What COPY and ADD take from when nobody says otherwise. */
export interface BuildContext {
  readonly state: State;
  /** Some step reads this path: from the context's root, wildcards allowed. */
  use(path: string): void;
  /**
   * Whether `.dockerignore` certainly keeps this path out. Where it has exceptions, nobody can tell without looking at the files; of the root
   * only a pattern for everything takes all.
   */
  ignores(path: string): boolean;
  /** What it was made of, where that is no directory of the client. */
  readonly source: State | undefined;
  /** What stands in place of stages and images. */
  readonly named: NamedContexts;
}

/** Of paths with patterns, in one build: far more than people write. Beyond, nobody is told what is ignored. */
const maxComparisons = 1_000_000;

/**
 * Makes the main context ready: what was fetched, or else a directory of the client, of which only what is used will be sent.
 * @throws {BuildError} for a pattern in `.dockerignore` that is none
 */
export async function openBuildContext(
  bridge: Bridge,
  options: DockerfileOptions,
  { file, dockerignore, remote }: DefinitionFile,
  { signal }: { signal: AbortSignal },
): Promise<BuildContext> {
  const named = new NamedContexts(bridge, options);
  if (remote) return { state: remote.state, source: remote.source, use: () => undefined, ignores: () => false, named };
  const { contextLocal } = options;
  const sessionId = options.localSession(contextLocal) ?? bridge.sessionId;
  const ignored = dockerignore
    ? ignorePatterns(dockerignore, `${file.filename}.dockerignore`)
    : await readDockerignore(bridge, {
        local: contextLocal,
        sessionId,
        sharedKeyHint: `${contextLocal}-.dockerignore`,
        name: "[internal] load .dockerignore",
        signal,
      });
  const name = "[internal] load build context";
  const hint = contextLocal;
  const directory = new LocalDirectory({ local: contextLocal, sessionId, ignored, sharedKeyHint: hint, name });
  const matcher = createPatternMatcher(ignored);
  let comparisons = maxComparisons;
  return {
    state: directory.state,
    source: undefined,
    use: (path) => directory.use(path),
    ignores: (path) => {
      comparisons -= matcher.patterns.length;
      return comparisons >= 0 && certainlyMatches(matcher, path);
    },
    named,
  };
}

function certainlyMatches(ignored: PatternMatcher, path: string): boolean {
  if (ignored.empty || ignored.hasExceptions) return false;
  if (path === "." || path === "/") return ignored.patterns.some((pattern) => ["*", "**", "**/*"].includes(pattern));
  return ignored.matches(path);
}
