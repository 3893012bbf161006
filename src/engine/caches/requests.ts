import { BuildError } from "../../base/errors/mod.ts";
import { booleanAttribute, compressionAttributes } from "../exporters/mod.ts";
import { digestHex, digestOf } from "../../oci/mod.ts";
import { inContext } from "./objects/service-http.ts";
import type {
  CacheAttributes,
  CacheBackend,
  CacheContext,
  CacheExporter,
  CacheImporter,
  ExportSettings,
} from "./backend.ts";
import { s3Backend } from "./backends/s3/backend.ts";
import { azblobBackend } from "./backends/azblob/backend.ts";
import { ghaBackend } from "./backends/gha/backend.ts";
import { localBackend } from "./backends/local.ts";
import { registryBackend } from "./backends/registry.ts";

const backends: readonly CacheBackend[] = [registryBackend, localBackend, ghaBackend, s3Backend, azblobBackend];

/** One entry of a request. */
export interface CacheEntry {
  readonly Type: string;
  readonly Attrs: CacheAttributes;
}

/** What a request asks to be exported. */
export interface CacheExports {
  readonly exporters: readonly (ExportSettings & { readonly exporter: CacheExporter })[];
  /** The cache is wanted inside of the images that the build makes. */
  readonly isInline: boolean;
}

/**
 * Checks what a request wants exported; `env` are the engine's own variables.
 * @throws {BuildError} `unknown cache exporter: "<type>"`, `duplicate cache exports …`, and for attributes that make no sense
 */
export function openCacheExports(entries: readonly CacheEntry[], env: CacheContext["env"]): CacheExports {
  const seen = new Set<string>();
  const exporters: CacheExports["exporters"][number][] = [];
  for (const { Type, Attrs } of entries.filter((entry) => entry.Type !== "inline")) {
    const exporter = backends.find(({ type }) => type === Type)?.exporter;
    if (!exporter) throw new BuildError("not_found", `unknown cache exporter: ${JSON.stringify(Type)}`);
    const name = entryKey({ Type, Attrs });
    if (seen.has(name)) throw new BuildError("invalid_argument", `duplicate cache exports [${name}]`);
    seen.add(name);
    exporters.push({ exporter: exporter(Attrs, env), ...exportSettings(Attrs) });
  }
  return { exporters, isInline: entries.some(({ Type }) => Type === "inline") };
}

/** The same for entries that say the same. */
export function entryKey({ Type, Attrs }: CacheEntry): string {
  return JSON.stringify([Type, Object.entries(Attrs).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

/** One that makes no sense fails when it is opened: a cache that cannot be read does no build any harm. */
export function openCacheImporter({ Type, Attrs }: CacheEntry): CacheImporter {
  try {
    const importer = backends.find(({ type }) => type === Type)?.importer;
    if (!importer) throw new BuildError("not_found", `unknown cache importer: ${Type}`);
    try {
      return importer(Attrs);
    } catch (error) {
      return inContext(`failed to configure ${Type} cache importer`)(error);
    }
  } catch (error) {
    const hash = digestHex(digestOf(entryKey({ Type, Attrs }))).slice(0, 16);
    return { name: `${Type}:${BigInt(`0x${hash}`)}`, open: () => Promise.reject(error) };
  }
}

function exportSettings(attributes: CacheAttributes): ExportSettings {
  const mode = attributes["mode"]?.toLowerCase() || "min";
  if (mode !== "min" && mode !== "max") {
    throw new BuildError("invalid_argument", `unsupported cache export mode: ${attributes["mode"]}`);
  }
  return {
    mode,
    ignoreError: booleanAttribute(attributes, "ignore-error", false),
    ...compressionAttributes(attributes),
  };
}
