import { formatLogTime } from "../format/time.ts";
import type { Nanos, SolveStatus } from "../status.ts";
import { allStopped, lastStop } from "../view/intervals.ts";
import type { Reduction } from "../view/reduce.ts";
import { emptyView, type ProgressView, type VertexView } from "../view/view.ts";
import { endLine, itemLine } from "./lines.ts";
import { Pending } from "./pending.ts";
import { type Candidate, nextSpeaker } from "./turns.ts";

/** An item is printed again when this much time has passed, or this part of it. */
const itemDelayMs = 5_000;
const itemStep = 0.05;

/** What a {@link PlainPrinter} needs. */
export interface PlainPrinterOptions {
  readonly write: (text: string | Uint8Array) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What the build runs on, for the first line. */
  readonly description?: string;
  /** Cut step names to 72 characters. */
  readonly shortNames?: boolean;
  /** Makes text safe for where it goes. */
  readonly safe: (text: string) => string;
  /** Passes log bytes on as they are; otherwise they go through `safe`. */
  readonly rawLogs: boolean;
}

/**
 * Progress as lines that are only ever added: `#5 [2/3] RUN make`, `#5 0.123 output`, `#5 DONE 4.2s`. One step has the word at a time; when
 * it passes to another before the step is done, the line `#5 ...` says so.
 */
export class PlainPrinter {
  readonly #options: PlainPrinterOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #touched = new Set<string>();
  #view: ProgressView = emptyView;
  #current: string | undefined;
  /** Numbers of the steps, given when a step first has the word. */
  readonly #numbers = new Map<string, number>();
  /** Whether the terminal's last line is one of a log that has not ended. */
  #midLine = false;

  constructor(options: PlainPrinterOptions) {
    this.#options = options;
    if (options.description) options.write(`#0 ${options.description}\n\n`);
  }

  /** Takes one message in; nothing is written before {@link print}. */
  add(status: SolveStatus, { view, touched }: Reduction): void {
    this.#view = view;
    const now = this.#options.now();
    for (const key of touched) {
      this.#touched.add(key);
      if (view.vertexes.get(key)?.order !== undefined) this.#of(key).addNews(now);
    }
    for (const item of status.statuses) {
      const key = view.groupOf.get(item.vertex) ?? item.vertex;
      if (view.vertexes.has(key)) this.#of(key).addItem(item.id);
    }
    for (const log of status.logs) {
      const vertex = view.vertexes.get(view.groupOf.get(log.vertex) ?? log.vertex);
      if (vertex) this.#of(vertex.digest).addLog(log.data, logTime(vertex, log.timestamp));
    }
  }

  /** Writes what there is to say, and decides which step has the word next. */
  print(): void {
    const touched = [...this.#touched].flatMap((key) => this.#view.vertexes.get(key) ?? []);
    const completed = touched.filter((vertex) => allStopped(vertex.intervals)).toSorted(byEnd);
    const running = touched.filter((vertex) => !allStopped(vertex.intervals));
    const before = this.#current;
    const own = completed.find(({ digest }) => digest === before);
    if (own) this.#printVertex(own);
    for (const vertex of completed) if (vertex !== own) this.#printVertex(vertex);
    if (running.length === 0) return this.#keepSomebodySpeaking(before);

    const speaking = running.find(({ digest }) => digest === before);
    if (speaking) this.#printVertex(speaking);
    const candidates = running
      .filter(({ digest }) => digest !== before)
      .map((vertex) => this.#candidate(vertex.digest));
    const next = nextSpeaker(
      own || before === undefined ? undefined : this.#candidate(before),
      candidates,
      this.#options.now(),
    );
    const vertex = next === undefined ? undefined : this.#view.vertexes.get(next);
    if (vertex) this.#printVertex(vertex);
  }

  /** Writes all that is left, of every step. */
  finish(): void {
    this.print();
    for (const key of this.#touched) {
      const vertex = this.#view.vertexes.get(key);
      if (vertex?.order !== undefined) this.#printVertex(vertex);
    }
    this.#endLine();
  }

  #keepSomebodySpeaking(before: string | undefined): void {
    const open = (vertex: VertexView | undefined) => vertex?.order !== undefined && !allStopped(vertex.intervals);
    if (before !== undefined && open(this.#view.vertexes.get(before))) return;
    const next = [...this.#view.vertexes.values()].find(open);
    if (next) this.#printVertex(next);
  }

  #printVertex(vertex: VertexView): void {
    const { write } = this.#options;
    const pending = this.#of(vertex.digest);
    if (vertex.digest !== this.#current) this.#giveWordTo(vertex);
    const now = BigInt(Math.round(this.#options.now())) * 1_000_000n;
    const number = this.#number(vertex.digest);
    const itemOpen = this.#printItems(vertex, pending, now);
    for (const warning of vertex.warnings.slice(pending.warningsPrinted)) {
      this.#endLine();
      write(`#${number} WARN: ${this.#options.safe(Buffer.from(warning.short).toString("utf8"))}\n`);
    }
    pending.warningsPrinted = vertex.warnings.length;
    this.#printLogs(vertex, pending);
    this.#current = vertex.digest;
    if (allStopped(vertex.intervals) && (!itemOpen || vertex.error !== "")) {
      this.#endLine();
      write(this.#options.safe(endLine(number, vertex, now).trimEnd()).concat("\n"));
      this.#current = undefined;
      pending.count = 0;
    }
    this.#touched.delete(vertex.digest);
  }

  #giveWordTo(vertex: VertexView): void {
    const { write } = this.#options;
    if (this.#current !== undefined) {
      this.#endLine();
      const pending = this.#of(this.#current);
      pending.count = 0;
      pending.since = undefined;
      write(`#${this.#number(this.#current)} ...\n`);
    }
    if (this.#numbers.size > 0) write("\n");
    const name = this.#options.safe(vertex.name);
    write(`#${this.#number(vertex.digest)} ${this.#options.shortNames ? shorten(name) : name}\n`);
  }

  /** @returns whether an item was printed that goes on */
  #printItems(vertex: VertexView, pending: Pending, now: Nanos): boolean {
    const nowMs = this.#options.now();
    const news = pending.takeItems();
    let open = false;
    for (const item of vertex.statuses) {
      if (!news.has(item.id)) continue;
      const fraction = item.total > 0n ? Number(item.current) / Number(item.total) : 0;
      const last = pending.printed.get(item.id);
      const little = last && fraction - last.fraction < itemStep && nowMs - last.atMs < itemDelayMs;
      if (item.completed === undefined) {
        open = true;
        if (little) continue;
      }
      pending.printed.set(item.id, { atMs: nowMs, fraction });
      this.#endLine();
      this.#options.write(this.#options.safe(itemLine(this.#number(vertex.digest), item, now).trimEnd()).concat("\n"));
    }
    return open;
  }

  #printLogs(vertex: VertexView, pending: Pending): void {
    const number = this.#number(vertex.digest);
    const { openLine } = pending;
    if (openLine && !this.#midLine) {
      this.#options.write(`#${number} ${openLine.time} `);
      for (const chunk of openLine.chunks) this.#writeLog(chunk);
      this.#midLine = true;
    }
    for (const piece of pending.takePieces()) {
      if (!this.#midLine) this.#options.write(`#${number} ${piece.time} `);
      this.#writeLog(piece.bytes);
      this.#midLine = true;
      if (piece.complete) this.#endLine();
      pending.printedPiece(piece);
    }
  }

  #writeLog(bytes: Uint8Array): void {
    const { write, rawLogs, safe } = this.#options;
    write(rawLogs ? bytes : safe(Buffer.from(bytes).toString("utf8")));
  }

  #endLine(): void {
    if (this.#midLine) this.#options.write("\n");
    this.#midLine = false;
  }

  #number(key: string): number {
    let number = this.#numbers.get(key);
    if (number === undefined) this.#numbers.set(key, (number = this.#numbers.size + 1));
    return number;
  }

  #candidate(key: string): Candidate {
    const { count, since } = this.#of(key);
    return { key, count, since };
  }

  #of(key: string): Pending {
    let pending = this.#pending.get(key);
    if (!pending) this.#pending.set(key, (pending = new Pending()));
    return pending;
  }
}

function logTime(vertex: VertexView, timestamp: Nanos): string {
  const start = vertex.intervals.at(-1)?.start;
  return formatLogTime(start === undefined ? 0n : timestamp - start);
}

function shorten(name: string): string {
  return name.length > 72 ? `${name.slice(0, 72)}...` : name;
}

/** In the order in which they ended: a record of a build names them in any. */
function byEnd(one: VertexView, other: VertexView): number {
  const [a, b] = [lastStop(one.intervals), lastStop(other.intervals)];
  return a === b ? one.index - other.index : a < b ? -1 : 1;
}
