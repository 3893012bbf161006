/** Text in columns and rows, as Docker's commands print them, and amounts for people. */
export { parseFormat, type Row, type RowFormat, renderRows } from "./format.ts";
export { binarySize, goDuration, goTime, humanDuration, humanSize } from "./human.ts";
export { alignTabs, type TabOptions } from "./tabs.ts";
