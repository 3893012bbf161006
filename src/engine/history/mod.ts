/** Records of builds: {@link History} writes them down, keeps them for a while, and tells clients of them. */
export {
  type BuildOutcome,
  History,
  type HistoryOptions,
  type RecordedStatement,
  type RecordedTrace,
  type Recording,
} from "./history.ts";
export type { RecordChange } from "./changes.ts";
export type { HistoryLimits } from "./record-store.ts";
