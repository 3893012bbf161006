import { type Labels, labelsKey, type Metric, type Sample } from "./metric.ts";

interface Series {
  readonly labels: Labels;
  /** How many values fell into each bucket, and at the end into none. */
  readonly counts: number[];
  sum: number;
}

/** How values are distributed, for each set of labels: how many were at most as large as each bound. */
export class Histogram implements Metric {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();
  /** @param options.bounds in ascending order */
  constructor({ name, help, bounds }: { name: string; help: string; bounds: readonly number[] }) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
  }
  observe(value: number, labels: Labels = {}): void {
    const key = labelsKey(labels);
    let series = this.#series.get(key);
    if (!series) {
      series = { labels, counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 };
      this.#series.set(key, series);
    }
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const at = found === -1 ? this.#bounds.length : found;
    series.counts[at] = (series.counts[at] ?? 0) + 1;
    series.sum += value;
  }
  *samples(): Iterable<Sample> {
    for (const { labels, counts, sum } of this.#series.values()) {
      let count = 0;
      for (const [at, inBucket] of counts.entries()) {
        count += inBucket;
        const le = at < this.#bounds.length ? String(this.#bounds[at]) : "+Inf";
        yield { suffix: "_bucket", labels: { ...labels, le }, value: count };
      }
      yield { suffix: "_sum", labels, value: sum };
      yield { suffix: "_count", labels, value: count };
    }
  }
}
