import { pb } from "../../../api/mod.ts";
import { messageJson } from "../../../base/protobuf/mod.ts";
import { decodeDefinition, type Graph } from "../../../llb/mod.ts";
import { type Descriptor, type Digest, digestOf } from "../../../oci/mod.ts";
import { opJson } from "./op-json.ts";

/** Values for `goJsonText`. */
type Json = Readonly<Record<string, unknown>>;

/** A graph, as it was sent and as it was read. */
export interface StepGraph {
  readonly definition: pb.Definition;
  readonly graph: Graph;
}

/** The steps of a build, numbered: `llbDefinition` and `digestMapping` of BuildKit's build config. */
export interface Steps {
  readonly config: Json;
  /** Number of each op, by its digest; the last is that of the op which only names the result. */
  readonly numbers: ReadonlyMap<Digest, number>;
}

/** Layers that are known of an output of an op: any number of stacks of blobs, base first. */
export interface OutputLayers {
  readonly vertex: Digest;
  readonly index: number;
  readonly layers: readonly Descriptor[];
}

/** Shows the steps of a graph. What names the session of a client is left out. */
export function stepsOf({ definition, graph: { ops, result } }: StepGraph): Steps {
  const last = definition.def.at(-1);
  if (!last || !result) return { config: {}, numbers: new Map() };
  const numbers = new Map([...ops.keys(), digestOf(last)].map((digest, at) => [digest, at]));
  const step = (
    at: number,
    op: Json,
    inputs: readonly { readonly digest: string; readonly index: number | bigint }[],
  ) => {
    const names = inputs.map(({ digest, index }) => `step${numbers.get(digest as Digest)}:${index}`);
    return { id: `step${at}`, op, ...(names.length > 0 && { inputs: names }) };
  };
  const shown = [...ops.values()].map(({ op, inputs }, at) => step(at, opJson(op), inputs));
  const mapping = [...numbers].map(([digest, at]) => [digest, `step${at}`] as const);
  return {
    // The last one does nothing but name the result.
    config: { llbDefinition: [...shown, step(shown.length, { Op: {} }, [result])], digestMapping: byName(mapping) },
    numbers,
  };
}

/** The files that say what to build, and which lines of them made which step; `undefined`: nothing is known of that. */
export function sourceOf({ Source }: pb.Definition, { numbers }: Steps): Json | undefined {
  if (!Source || Source.infos.length === 0) return undefined;
  const locations = Object.entries(Source.locations).flatMap(([digest, places]) => {
    const number = numbers.get(digest as Digest);
    return number === undefined ? [] : [[`step${number}`, messageJson(pb.LocationsSchema, places)] as const];
  });
  const infos = Source.infos.map(({ filename, language, data, definition }) => ({
    ...(filename !== "" && { filename }),
    ...(language !== "" && { language }),
    ...(data.byteLength > 0 && { data }),
    ...(definition && definition.def.length > 0 && ownSteps(definition)),
  }));
  return { ...(locations.length > 0 && { locations: byName(locations) }), infos };
}

/** Layers by step, as BuildKit's metadata has them; `undefined`: none are known. */
export function layersOf(outputs: Iterable<OutputLayers>, { numbers }: Steps): Json | undefined {
  const told = new Map<string, (readonly Descriptor[])[]>();
  for (const { vertex, index, layers } of outputs) {
    const number = numbers.get(vertex);
    if (number === undefined || layers.length === 0) continue;
    const name = `step${number}:${index}`;
    const stacks = told.get(name) ?? [];
    const key = namesOf(layers);
    if (!stacks.some((stack) => namesOf(stack) === key)) stacks.push(layers);
    told.set(name, stacks);
  }
  return told.size === 0 ? undefined : byName([...told]);
}

const namesOf = (layers: readonly Descriptor[]) => layers.map(({ digest }) => digest).join(" ");

function ownSteps(definition: pb.Definition): Json {
  return stepsOf({ definition, graph: decodeDefinition(definition) }).config;
}

function byName<T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
