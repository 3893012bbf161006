import { type Labels, labelsKey, type Metric, type Sample } from "./metric.ts";

/** A number that only grows, for each set of labels. Who counts sees to it that there are few sets. */
export class Counter implements Metric {
  readonly name: string;
  readonly help: string;
  readonly type = "counter";
  readonly #series = new Map<string, { readonly labels: Labels; value: number }>();
  constructor({ name, help }: { readonly name: string; readonly help: string }) {
    this.name = name;
    this.help = help;
  }
  add(value: number, labels: Labels = {}): void {
    const key = labelsKey(labels);
    const series = this.#series.get(key);
    if (series) series.value += value;
    else this.#series.set(key, { labels, value });
  }
  samples(): Iterable<Sample> {
    return this.#series.values();
  }
}
