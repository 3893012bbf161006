/** Text in columns and rows, as Docker's commands print them, and amounts for people. */
export { parseFormat, type Row, type RowFormat, renderRows } from "./format.ts";
export { humanDuration } from "../../base/text/go-values/mod.ts";
export { binarySize, goDuration, goTime, humanSize } from "./human.ts";
export { alignTabs, type TabOptions } from "./tabs.ts";
