import { formatAmount } from "../format/bytes.ts";
import { secondsOf } from "../format/time.ts";
import { isCanceled, type Nanos } from "../status.ts";
import { totalNanos } from "../view/intervals.ts";
import type { StatusView, VertexView } from "../view/view.ts";

/** The line of one item: what, how far, how long. */
export function itemLine(number: number, item: StatusView, now: Nanos): string {
  const amount = formatAmount(item.current, item.total);
  const seconds = item.started === undefined ? 0 : secondsOf((item.completed ?? now) - item.started);
  const time = seconds > 0.01 ? ` ${seconds.toFixed(1)}s` : "";
  const done = item.completed === undefined ? "" : " done";
  return `#${number} ${item.id}${amount === "" ? "" : ` ${amount}`}${time}${done}\n`;
}

/** The last line of a step. */
export function endLine(number: number, vertex: VertexView, now: Nanos): string {
  if (vertex.error !== "") {
    return isCanceled(vertex.error) ? `#${number} CANCELED\n` : `#${number} ERROR: ${vertex.error}\n`;
  }
  if (vertex.cached) return `#${number} CACHED\n`;
  return `#${number} DONE ${secondsOf(totalNanos(vertex.intervals, now)).toFixed(1)}s\n`;
}
