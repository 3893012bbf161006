import type { pb } from "../../../../api/mod.ts";
import { base64 } from "./surroundings.ts";

/** A graph as Go writes it to JSON: what says nothing is left out, keys are sorted. */
export function definitionAsJson(definition: pb.Definition): unknown {
  const metadata = sorted(definition.metadata).map(([digest, { ignoreCache, description, caps }]) => [
    digest,
    {
      ...(ignoreCache && { ignore_cache: true }),
      ...(Object.keys(description).length > 0 && { description: Object.fromEntries(sorted(description)) }),
      ...(Object.keys(caps).length > 0 && { caps: Object.fromEntries(sorted(caps)) }),
    },
  ]);
  return { def: definition.def.map(base64), metadata: Object.fromEntries(metadata) as unknown };
}

const sorted = <T>(record: Readonly<Record<string, T>>) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
