import type { pb } from "../api/mod.ts";
import type { Position, SourceRange } from "../base/errors/mod.ts";
import { definitionJson } from "./definition-json.ts";

/** Gives the places of a vertex, by its digest, innermost last. */
export function readLocations(source: pb.Source | undefined): (digest: string) => readonly SourceRange[] {
  if (!source) return () => [];
  const texts = source.infos.map((info) => {
    let text: Omit<SourceRange, "start" | "end"> | undefined;
    return () => (text ??= textOf(info));
  });
  return (digest) => {
    const found: SourceRange[] = [];
    for (const { sourceIndex, ranges } of source.locations[digest]?.locations ?? []) {
      const text = texts[sourceIndex]?.();
      if (!text) continue;
      for (const range of ranges) {
        const start = positionOf(range.start, { line: 0, character: 0 });
        found.push({ ...text, start, end: positionOf(range.end, start) });
      }
    }
    return found;
  };
}

/** What is said of a text of which a graph was made. */
function textOf({
  filename,
  data,
  language,
  definition,
}: Pick<pb.SourceInfo, "filename" | "data" | "language" | "definition">): Omit<SourceRange, "start" | "end"> {
  return {
    filename,
    text: new TextDecoder().decode(data),
    ...(language !== "" && { language }),
    ...(definition && { definition: definitionJson(definition) }),
  };
}

function positionOf(position: pb.Position | undefined, missing: Position): Position {
  return position ? { line: position.line, character: position.character } : missing;
}
