import { create, toBinary } from "../base/protobuf/mod.ts";
import { pb } from "../api/mod.ts";
import { type Digest, digestOf, type Platform } from "../oci/mod.ts";
import type { LlbCapability } from "./capabilities.ts";
import type { State } from "./state.ts";
import type { SourceFile, Vertex } from "./vertex.ts";

/** A vertex in its final bytes. */
interface Encoded {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly capabilities: readonly LlbCapability[];
}

/** Vertices are immutable: each is encoded once, however many graphs it is part of. */
const encodedVertices = new WeakMap<Vertex, Encoded>();

/**
 * Writes the graph behind `state` down. Children come first, the last entry points at the result; equal graphs give equal bytes.
 * @returns a definition without entries for scratch
 */
export function marshal(state: State): pb.Definition {
  const definition = create(pb.DefinitionSchema);
  const { output } = state;
  if (!output) return definition;
  const sources = new SourceMapWriter();
  const needed = new Set<LlbCapability>(["constraints", "platform"]);
  for (const vertex of childrenFirst(output.vertex)) {
    const { digest, bytes, capabilities } = encode(vertex);
    if (!Object.hasOwn(definition.metadata, digest)) definition.def.push(bytes);
    definition.metadata[digest] = encodeMetadata(vertex, capabilities);
    const { name, description, ignoreCache, location } = vertex.options;
    if (ignoreCache) needed.add("meta.ignorecache");
    if (name !== undefined || description) needed.add("meta.description");
    if (location) sources.add(digest, location.file, location.range.start.line, location.range.end.line);
  }
  const head = encode(output.vertex).digest;
  const input = create(pb.InputSchema, { digest: head, index: BigInt(output.index) });
  const terminal = toBinary(pb.OpSchema, create(pb.OpSchema, { inputs: [input] }));
  definition.def.push(terminal);
  definition.metadata[digestOf(terminal)] = create(pb.OpMetadataSchema, { caps: capabilityMap([...needed]) });
  if (!sources.empty) definition.Source = sources.finish();
  return definition;
}

/** The digest under which the vertex of `state` goes; `undefined` for scratch. */
export function vertexDigest(state: State): Digest | undefined {
  const { output } = state;
  if (!output) return undefined;
  for (const vertex of childrenFirst(output.vertex)) encode(vertex);
  return encode(output.vertex).digest;
}

/** Every vertex once, inputs before those that read them. Not recursive: graphs may be as deep as a Dockerfile is long. */
function childrenFirst(root: Vertex): Iterable<Vertex> {
  const done = new Set<Vertex>();
  const open: { readonly vertex: Vertex; next: number }[] = [{ vertex: root, next: 0 }];
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const input = top.vertex.inputs[top.next++];
    if (input === undefined) {
      done.add(top.vertex);
      open.pop();
      continue;
    }
    const child = input.output?.vertex;
    if (child && !done.has(child)) open.push({ vertex: child, next: 0 });
  }
  return done;
}

/** The inputs must have been encoded before. */
function encode(vertex: Vertex): Encoded {
  const known = encodedVertices.get(vertex);
  if (known) return known;
  if (vertex.given) {
    encodedVertices.set(vertex, vertex.given);
    return vertex.given;
  }
  const inputs: pb.Input[] = [];
  const numbers = new Map<string, bigint>();
  const { op, platform, capabilities } = vertex.body((input) => {
    const { output } = input;
    if (!output) return -1n;
    const digest = encodedVertices.get(output.vertex)?.digest;
    if (digest === undefined) throw new Error("Internal error: vertex reads a state that it does not list as an input");
    const key = `${digest}/${output.index}`;
    const number =
      numbers.get(key) ?? BigInt(inputs.push(create(pb.InputSchema, { digest, index: BigInt(output.index) })) - 1);
    numbers.set(key, number);
    return number;
  });
  const message = create(pb.OpSchema, {
    inputs,
    op,
    constraints: create(pb.WorkerConstraintsSchema),
    ...(platform && { platform: encodePlatform(platform) }),
  });
  const bytes = toBinary(pb.OpSchema, message);
  const encoded = { digest: digestOf(bytes), bytes, capabilities };
  encodedVertices.set(vertex, encoded);
  return encoded;
}

/** A platform as graphs carry it. */
export function encodePlatform(platform: Platform): pb.Platform {
  return create(pb.PlatformSchema, {
    OS: platform.os,
    Architecture: platform.architecture,
    Variant: platform.variant ?? "",
    OSVersion: platform.osVersion ?? "",
    OSFeatures: [...(platform.osFeatures ?? [])],
  });
}

function encodeMetadata(vertex: Vertex, capabilities: readonly LlbCapability[]): pb.OpMetadata {
  const { name, description, ignoreCache, progressGroup, resources } = vertex.options;
  const texts = { ...description, ...(name !== undefined && { "llb.customname": name }) };
  return create(pb.OpMetadataSchema, {
    ignoreCache: ignoreCache ?? false,
    description: sortedRecord(texts),
    caps: capabilityMap(capabilities),
    ...(progressGroup && { progressGroup: create(pb.ProgressGroupSchema, progressGroup) }),
    ...(resources && {
      linuxResources: create(pb.LinuxResourcesSchema, {
        memory: resources.memoryBytes ?? 0n,
        memorySwap: resources.memorySwapBytes ?? 0n,
        cpuShares: resources.cpuShares ?? 0n,
        cpuPeriod: resources.cpuPeriodUs ?? 0n,
        cpuQuota: resources.cpuQuotaUs ?? 0n,
        cpusetCpus: resources.cpusetCpus ?? "",
        cpusetMems: resources.cpusetMems ?? "",
      }),
    }),
  });
}

const capabilityMap = (ids: readonly LlbCapability[]) => Object.fromEntries([...ids].sort().map((id) => [id, true]));

const sortedRecord = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Collects where vertices come from. */
class SourceMapWriter {
  readonly #source = create(pb.SourceSchema);
  readonly #files = new Map<SourceFile, number>();
  get empty(): boolean {
    return this.#files.size === 0;
  }
  /** One range per line, as BuildKit writes them. */
  add(digest: Digest, file: SourceFile, startLine: number, endLine: number): void {
    const ranges = Array.from({ length: endLine - startLine + 1 }, (_, at) => {
      const position = { line: startLine + at, character: 0 };
      return create(pb.RangeSchema, { start: position, end: position });
    });
    const location = create(pb.LocationSchema, { sourceIndex: this.#indexOf(file), ranges });
    (this.#source.locations[digest] ??= create(pb.LocationsSchema)).locations.push(location);
  }
  finish(): pb.Source {
    return this.#source;
  }
  #indexOf(file: SourceFile): number {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    const info = create(pb.SourceInfoSchema, {
      filename: file.filename,
      data: file.bytes,
      language: file.language,
      ...(file.definition && { definition: file.definition }),
    });
    const index = this.#source.infos.push(info) - 1;
    this.#files.set(file, index);
    return index;
  }
}
