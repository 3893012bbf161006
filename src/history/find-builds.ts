import { BuildError } from "../base/errors/mod.ts";
import type { CallControl } from "../client/mod.ts";
import { type BuildRecord, type HistoryPlace, queryBuilds } from "./build-record.ts";

/**
 * The build that a word on the command line means: its id, `^N` for the one N before the latest that has ended, or nothing for the latest.
 * @param options.endedToBe builds under way are not meant: only those that have ended can be `traced`, for instance
 * @throws {BuildError} `not_found` with buildx's words; `failed_precondition` for a build that is under way and not meant
 */
export async function findBuild(
  place: HistoryPlace,
  word: string,
  { endedToBe, ...options }: CallControl & { readonly endedToBe?: string },
): Promise<BuildRecord> {
  const offset = offsetOf(word);
  const all = await queryBuilds(place, { ref: offset === undefined ? word : "" }, options);
  const builds = endedToBe ? all.filter(({ completed }) => completed !== undefined) : all;
  const isUnderWay = builds.length === 0 && all.length > 0 && word !== "" && offset === undefined;
  if (isUnderWay) {
    const ref = JSON.stringify(word);
    const message = `build ${ref} is not completed, only completed builds can be ${endedToBe}`;
    throw new BuildError("failed_precondition", message);
  }
  if (offset === undefined) {
    const [found] = builds;
    if (found) return found;
    throw new BuildError(
      "not_found",
      word === "" ? "no records found" : `no record found for ref ${JSON.stringify(word)}`,
    );
  }
  const found = builds.filter(({ completed }) => completed !== undefined)[offset];
  if (found) return found;
  throw new BuildError("not_found", `no completed build found with offset ${offset}`);
}

function offsetOf(word: string): number | undefined {
  if (!word.startsWith("^")) return undefined;
  if (/^\^\d+$/.test(word)) return Number(word.slice(1));
  throw new BuildError("invalid_argument", `invalid offset ${JSON.stringify(word)}: want ^ and a number, as in ^1`);
}
