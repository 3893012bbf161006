import { BuildError } from "../../../base/errors/mod.ts";
import { FilterError, type FilterText, parseFilters, textField } from "../../../base/text/filter/mod.ts";
import type { UsageRecord } from "./record.ts";

/** Says of a record whether it matches. */
export type RecordFilter = (record: UsageRecord) => boolean;

const texts: Readonly<Record<string, (record: UsageRecord) => FilterText>> = {
  id: ({ id }) => textField(id),
  parents: ({ parents }) => textField(parents.join(";")),
  description: ({ description }) => textField(description),
  type: ({ type }) => textField(type),
  inuse: ({ isInUse }) => flag(isInUse),
  mutable: ({ isMutable }) => flag(isMutable),
  immutable: ({ isMutable }) => flag(!isMutable),
  shared: ({ isShared }) => flag(isShared),
  private: ({ isShared }) => flag(!isShared),
};

/**
 * Filters of disk usage and prune; flags compare with `true` and `false`, too.
 * @returns whether one of the filters matches; without filters, every record does
 * @throws {BuildError} `invalid_argument`
 */
export function parseRecordFilters(filters: readonly string[]): RecordFilter {
  try {
    return parseFilters(filters, { texts });
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new BuildError("invalid_argument", `failed to parse prune filter ${error.message}`, { cause: error });
  }
}

function flag(isPresent: boolean): FilterText {
  return { text: String(isPresent), isPresent };
}
