import { createHash } from "node:crypto";

/** What a record is of, in BuildKit's words. */
export type RecordType =
  | "regular"
  | "internal"
  | "frontend"
  | "source.local"
  | "source.git.checkout"
  | "exec.cachemount";

/** One thing that the engine keeps across builds. */
export interface UsageRecord {
  readonly id: string;
  readonly parents: readonly string[];
  readonly type: RecordType;
  readonly description: string;
  /** On disk, without what its parents take. */
  readonly bytes: number;
  readonly createdAt: Date;
  /** When the last use ended; undefined: never used. */
  readonly usedAt: Date | undefined;
  readonly uses: number;
  readonly isInUse: boolean;
  readonly isShared: boolean;
  readonly isMutable: boolean;
}

/** A record's id: short, and always the same for the same thing. */
export function recordId(name: string): string {
  const number = BigInt(`0x${createHash("sha256").update(name).digest("hex")}`);
  return number.toString(36).padStart(25, "0").slice(-25);
}

/** A record, and how to be rid of it. */
export interface Removable {
  readonly record: UsageRecord;
  /**
   * Removes it, at once.
   * @param goesToo records that will be removed next: that they need this one keeps nothing
   * @returns what settles when its bytes are deleted; `undefined` when it is in use or needed by another record, which stays as it is
   */
  remove(goesToo?: (record: string) => boolean): Promise<void> | undefined;
}
