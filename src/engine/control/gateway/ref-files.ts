import type { fsutil, gateway } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { createPatternMatcher, type PatternMatcher } from "../../../base/text/patterns/mod.ts";
import { encodeStat } from "../../../filesync/mod.ts";
import type { TocEntry } from "../../snapshots/mod.ts";
import type { LazyResult } from "../lazy-result.ts";

/** What fits into a message beside all else. */
export const readLimitBytes = 16 * 1024 * 1024 - 4096;

/** The bytes of a file of a result, or a range of them: what lies beyond the file's end is not there. */
export async function readRefFile(
  result: LazyResult,
  { FilePath, Range }: Pick<gateway.ReadFileRequest, "FilePath" | "Range">,
  { signal }: { signal: AbortSignal },
): Promise<Uint8Array<ArrayBuffer>> {
  const range = Range && rangeOf(Range, FilePath);
  const bytes = await result.readFile(FilePath, { signal, maxBytes: readLimitBytes, ...(range && { range }) });
  return bytes as Uint8Array<ArrayBuffer>;
}

/** A range that makes sense. @throws {BuildError} `invalid_argument` */
export function rangeOf(
  { Offset, Length }: gateway.FileRange,
  path: string,
): { readonly offsetBytes: number; readonly lengthBytes: number } {
  if (Offset < 0n) throw new BuildError("invalid_argument", `readat ${path}: negative offset`);
  return { offsetBytes: Number(Offset), lengthBytes: Number(Length < 0n ? 0n : Length) };
}

/** What lies directly in a directory of a result, sorted; with a pattern what matches it, and directories below which something may. */
export async function readRefDirectory(
  result: LazyResult,
  { DirPath, IncludePattern }: Pick<gateway.ReadDirRequest, "DirPath" | "IncludePattern">,
  { signal }: { signal: AbortSignal },
): Promise<fsutil.Stat[]> {
  const included = matcherOf(IncludePattern);
  const entries = await result.entries(DirPath, { signal });
  return entries
    .map((entry) => statMessage(entry))
    .filter(({ path }, at) => isIncluded(included, path, entries[at]?.type === "dir"));
}

/** What a path of a result leads to. @throws {BuildError} `not_found` */
export async function statRefFile(
  result: LazyResult,
  { Path }: Pick<gateway.StatFileRequest, "Path">,
  { signal }: { signal: AbortSignal },
): Promise<fsutil.Stat> {
  const entry = await result.entry(Path, { signal });
  if (!entry) throw new BuildError("not_found", `lstat ${Path}: no such file or directory`);
  return statMessage(entry);
}

/** The pattern of a request; `undefined`: everything. @throws {BuildError} `invalid_argument` */
export function matcherOf(pattern: string): PatternMatcher | undefined {
  return pattern === "" ? undefined : createPatternMatcher([pattern]);
}

/** Whether an entry of a directory is asked for. */
export function isIncluded(matcher: PatternMatcher | undefined, name: string, isDirectory: boolean): boolean {
  if (!matcher || matcher.matches(name)) return true;
  return isDirectory && matcher.mayMatchBelow(name, matcher.enter(name));
}

/** Named by the last part of its path, as all answers of the gateway do. */
function statMessage(entry: TocEntry): fsutil.Stat {
  const { content: _content, digest: _digest, ...stat } = entry;
  return encodeStat({ ...stat, path: entry.path.slice(entry.path.lastIndexOf("/") + 1) });
}
