import { BuildError } from "../base/errors/mod.ts";
import type { CallControl } from "../client/mod.ts";
import { type BuildRecord, type HistoryPlace, queryBuilds } from "./build-record.ts";

/**
 * The build that a word on the command line means: its id, `^N` for the one N before the latest that has ended, or nothing for the latest.
 * @throws {BuildError} `not_found` with buildx's words
 */
export async function findBuild(place: HistoryPlace, word: string, options: CallControl): Promise<BuildRecord> {
  const offset = offsetOf(word);
  const builds = await queryBuilds(place, { ref: offset === undefined ? word : "" }, options);
  if (offset === undefined) {
    const [found] = builds;
    if (found) return found;
    throw new BuildError(
      "not_found",
      word === "" ? "no records found" : `no record found for ref ${JSON.stringify(word)}`,
    );
  }
  const ended = builds.filter(({ completed }) => completed !== undefined);
  const found = ended[offset];
  if (found) return found;
  throw new BuildError("not_found", `no completed build found with offset ${offset}`);
}

function offsetOf(word: string): number | undefined {
  if (!word.startsWith("^")) return undefined;
  if (/^\^\d+$/.test(word)) return Number(word.slice(1));
  throw new BuildError("invalid_argument", `invalid offset ${JSON.stringify(word)}: want ^ and a number, as in ^1`);
}
