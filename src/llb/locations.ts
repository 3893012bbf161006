import type { pb } from "../api/mod.ts";
import type { SourceRange } from "../base/errors/mod.ts";

/** Gives the places of a vertex, by its digest. Neighbouring lines of one file become one range. */
export function readLocations(source: pb.Source | undefined): (digest: string) => readonly SourceRange[] {
  if (!source) return () => [];
  const texts = source.infos.map(({ data }) => {
    let text: string | undefined;
    return () => (text ??= new TextDecoder().decode(data));
  });
  return (digest) => {
    const found: SourceRange[] = [];
    for (const { sourceIndex, ranges } of source.locations[digest]?.locations ?? []) {
      const info = source.infos[sourceIndex];
      if (!info) continue;
      for (const { start, end } of joinLines(ranges)) {
        found.push({ filename: info.filename, start, end, text: texts[sourceIndex]?.() ?? "" });
      }
    }
    return found;
  };
}

type Plain = Pick<SourceRange, "start" | "end">;

function joinLines(ranges: readonly pb.Range[]): readonly Plain[] {
  const joined: Plain[] = [];
  for (const range of ranges) {
    const start = { line: range.start?.line ?? 0, character: range.start?.character ?? 0 };
    const end = { line: range.end?.line ?? start.line, character: range.end?.character ?? start.character };
    const last = joined.at(-1);
    if (last && (start.line === last.end.line || start.line === last.end.line + 1))
      joined[joined.length - 1] = { start: last.start, end };
    else joined.push({ start, end });
  }
  return joined;
}
