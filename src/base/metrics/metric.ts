/** Names and values that tell one series of a metric from the others. */
export type Labels = Readonly<Record<string, string>>;

/** One number of a metric, as it is now. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Behind the metric's name: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly suffix?: string;
}

/** Something that is measured, in Prometheus's terms. */
export interface Metric {
  /** Of letters, digits, `_` and `:`, with the unit at its end, and `_total` behind that of a counter. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  samples(): Iterable<Sample>;
}

/** The same text for the same labels, in whatever order they were given. */
export function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
