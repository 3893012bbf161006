import { pb } from "../api/mod.ts";
import { toJson } from "../base/protobuf/mod.ts";

/** A graph as programs in Go write it in JSON: fields by the names of the `.proto` file, zero values left out, 64-bit integers as numbers. */
export function definitionJson({ def, metadata, Source }: pb.Definition): Readonly<Record<string, unknown>> {
  const described = Object.entries(metadata).map(([digest, value]) => [digest, metadataJson(value)]);
  return {
    ...(def.length > 0 && { def: def.map((op) => Buffer.from(op).toString("base64")) }),
    ...(described.length > 0 && { metadata: Object.fromEntries(described) }),
    ...(Source && { Source: sourceJson(Source) }),
  };
}

function metadataJson(metadata: pb.OpMetadata): Readonly<Record<string, unknown>> {
  const { ignoreCache, exportCache, progressGroup, linuxResources, ...same } = toJson(pb.OpMetadataSchema, metadata);
  return {
    ...(ignoreCache !== undefined && { ignore_cache: ignoreCache }),
    ...same,
    ...(exportCache !== undefined && { export_cache: exportCache }),
    ...(progressGroup !== undefined && { progress_group: progressGroup }),
    ...(linuxResources !== undefined && { linux_resources: withNumbers(linuxResources, metadata.linuxResources) }),
  };
}

function withNumbers(json: unknown, message: pb.LinuxResources | undefined): Readonly<Record<string, unknown>> {
  const values = message as unknown as Readonly<Record<string, unknown>> | undefined;
  const entries = Object.entries(json as Readonly<Record<string, unknown>>);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof values?.[key] === "bigint" ? Number(value) : value]),
  );
}

function sourceJson(source: pb.Source): Readonly<Record<string, unknown>> {
  const { infos: _, ...json } = toJson(pb.SourceSchema, source);
  const infos = source.infos.map((info) => ({
    ...toJson(pb.SourceInfoSchema, info),
    ...(info.definition && { definition: definitionJson(info.definition) }),
  }));
  return { ...json, ...(infos.length > 0 && { infos }) };
}
