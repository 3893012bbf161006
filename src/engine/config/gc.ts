import { messageOf } from "../../base/errors/mod.ts";
import { parseFilters } from "../../base/text/filter/mod.ts";
import { parseByteSize } from "../../base/text/go-values/mod.ts";
import { readDuration } from "./duration.ts";
import type { TomlTable } from "./toml-table.ts";

/** An amount of disk: bytes, or a share of the whole. */
export type DiskSpace = { readonly bytes: number } | { readonly percent: number };

/** How much may be kept; what is `undefined` is no bound. */
export interface GcBounds {
  readonly reserved: DiskSpace | undefined;
  readonly maxUsed: DiskSpace | undefined;
  readonly minFree: DiskSpace | undefined;
}

/** One rule of a policy, in buildkitd's words. */
export interface GcRule extends GcBounds {
  readonly all: boolean;
  readonly filters: readonly string[];
  readonly keepDurationMs: number;
}

/** How an engine gets rid of what it has kept. */
export interface GcConfig {
  readonly enabled: boolean;
  /** In place of the usual rules' bounds. */
  readonly bounds: GcBounds | undefined;
  /** In place of the usual rules. */
  readonly rules: readonly GcRule[] | undefined;
}

/** Reads `gc`, `reservedSpace`, `maxUsedSpace`, `minFreeSpace`, `gckeepstorage` and `[[gcpolicy]]` of `[worker.oci]`. */
export function readGc(oci: TomlTable): GcConfig {
  const bounds = readBounds(oci, "gckeepstorage");
  const rules = oci.tables("gcpolicy").map(readRule);
  return {
    enabled: oci.bool("gc") ?? true,
    bounds: Object.values(bounds).some((bound) => bound !== undefined) ? bounds : undefined,
    rules: rules.length > 0 ? rules : undefined,
  };
}

function readRule(table: TomlTable): GcRule {
  return {
    all: table.bool("all") ?? false,
    filters: readFilters(table),
    keepDurationMs: readDuration(table, "keepDuration"),
    ...readBounds(table, "keepBytes"),
  };
}

/** What a filter compares is for the engine to know; here is seen whether it can be read at all. */
function readFilters(table: TomlTable): readonly string[] {
  const filters = table.strings("filters") ?? [];
  try {
    parseFilters(filters, { texts: {} });
    return filters;
  } catch (error) {
    return table.fail("filters", `invalid filter ${messageOf(error)}`);
  }
}

/** @param oldKey what `reservedSpace` was once called */
function readBounds(table: TomlTable, oldKey: string): GcBounds {
  const old = readSpace(table, oldKey);
  return {
    reserved: readSpace(table, "reservedSpace") ?? old,
    maxUsed: readSpace(table, "maxUsedSpace"),
    minFree: readSpace(table, "minFreeSpace"),
  };
}

function readSpace(table: TomlTable, key: string): DiskSpace | undefined {
  const text = table.scalar(key);
  return text === undefined ? undefined : (parseDiskSpace(text) ?? table.fail(key, `invalid disk space ${text}`));
}

/** `1000000` bytes, `512MB` (powers of 1024), `10%`. */
export function parseDiskSpace(text: string): DiskSpace | undefined {
  const percent = /^(\d{1,3})%$/.exec(text)?.[1];
  if (percent !== undefined) return Number(percent) <= 100 ? { percent: Number(percent) } : undefined;
  const bytes = parseByteSize(text);
  return bytes === undefined ? undefined : { bytes };
}

/**
 * Reads `--oci-worker-gc-keepstorage`: `Reserved[,Free[,Maximum]]` in megabytes, or with a unit or `%`.
 * @returns `undefined` when it is wrong
 */
export function parseKeepStorage(text: string): GcBounds | undefined {
  const parts = text.split(",").map((part) => part.trim());
  const spaces = parts.map((part) => (/^\d+$/.test(part) ? { bytes: Number(part) * 1e6 } : parseDiskSpace(part)));
  if (parts.length > 3 || spaces.some((space) => space === undefined)) return undefined;
  const [reserved, minFree, maxUsed] = spaces;
  return { reserved, maxUsed, minFree };
}
