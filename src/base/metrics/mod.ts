/** Counters and histograms, and Prometheus's text of them. */
export { Counter } from "./counter.ts";
export { Histogram } from "./histogram.ts";
export type { Labels, Metric, Sample } from "./metric.ts";
export { metricsContentType, metricsText } from "./text.ts";
