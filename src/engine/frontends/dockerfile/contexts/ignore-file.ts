import { BuildError, messageOf } from "../../../../base/errors/mod.ts";
import { createPatternMatcher } from "../../../../base/text/patterns/mod.ts";
import { parseDockerignore } from "../../../../dockerfile/mod.ts";
import { local, marshal } from "../../../../llb/mod.ts";
import type { Bridge } from "../../bridge.ts";
import { readOptional } from "../definition-file.ts";

/** Larger ones are refused. */
const maxDockerignoreBytes = 1024 * 1024;

/**
 * The patterns of `.dockerignore` at the root of a directory of the client; none when there is no such file.
 * @throws {BuildError} for a pattern that is none, naming the file
 */
export async function readDockerignore(
  bridge: Bridge,
  options: {
    /** Under which name the client shares the directory. */
    readonly local: string;
    readonly sessionId: string;
    readonly sharedKeyHint: string;
    /** Of the step. */
    readonly name: string;
    readonly signal: AbortSignal;
  },
): Promise<readonly string[]> {
  const { sessionId, sharedKeyHint, name, signal } = options;
  const state = local(
    options.local,
    { sessionId, followPaths: [".dockerignore"], sharedKeyHint, differ: "none" },
    { name },
  );
  const ref = await bridge.solve(marshal(state), { signal });
  const bytes = await readOptional(ref, ".dockerignore", { signal, maxBytes: maxDockerignoreBytes });
  return bytes ? ignorePatterns(bytes, ".dockerignore") : [];
}

/** @throws {BuildError} for a pattern that is none, naming the file */
export function ignorePatterns(bytes: Uint8Array, filename: string): readonly string[] {
  const patterns = parseDockerignore(new TextDecoder().decode(bytes));
  try {
    createPatternMatcher(patterns);
  } catch (error) {
    throw new BuildError("invalid_argument", `failed parsing ${filename}: ${messageOf(error)}`, { cause: error });
  }
  return patterns;
}
