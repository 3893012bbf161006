import type { Metric, Sample } from "./metric.ts";

/** What {@link metricsText} writes. */
export const metricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Metrics in Prometheus's text format, by name. One that has no number yet is left out.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function metricsText(metrics: Iterable<Metric>): string {
  return [...metrics]
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((metric) => {
      const lines = [...metric.samples()].map((sample) => lineOf(metric.name, sample));
      if (lines.length === 0) return "";
      const help = metric.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
      return `# HELP ${metric.name} ${help}\n# TYPE ${metric.name} ${metric.type}\n${lines.join("")}`;
    })
    .join("");
}

function lineOf(name: string, { labels, value, suffix = "" }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${suffix}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${numberText(value)}\n`;
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
