import { paletteFromEnv } from "./format/colors.ts";
import { safeText } from "./format/safe-text.ts";
import { formatLogTime } from "./format/time.ts";
import { renderFailures } from "./logs/failure-block.ts";
import { LogTail } from "./logs/log-tail.ts";
import type { ProgressMode } from "./mode.ts";
import { PlainPrinter } from "./plain/plain-printer.ts";
import { encodeRawJson } from "./rawjson/encode.ts";
import type { SolveStatus } from "./status.ts";
import { TtyPrinter } from "./tty/tty-printer.ts";
import { reduce, type Reduction } from "./view/reduce.ts";
import { emptyView, type ProgressView } from "./view/view.ts";
import { renderWarnings } from "./warnings.ts";

/** What a {@link Display} writes to and depends on. */
export interface DisplayOptions {
  readonly mode: ProgressMode;
  readonly output: NodeJS.WritableStream & {
    readonly isTTY?: boolean;
    readonly columns?: number;
    readonly rows?: number;
  };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
  /** Name of the builder and its driver, for the first line; absent where nothing is built. */
  readonly builder?: { readonly name: string; readonly driver: string };
  /** Warnings are told of once more at the end, unless false. */
  readonly sumsUpWarnings?: boolean;
  /** Show what belongs to a warning in full. */
  readonly debug?: boolean;
}

/** Shows one build's progress. Feed it messages, and finish it exactly once. */
export interface Display {
  update(status: SolveStatus): void;
  /** Draws the last state and tells of failed steps and warnings. Nothing is written afterwards. */
  finish(): void;
}

/** Lines kept of each step for the block that tells of a failure: few where all were printed already. */
const tailLines = { plain: 10, tty: 500 } as const;

/** Opens the display of a mode. `rawjson`, `quiet` and `none` write no timer-driven output and keep nothing. */
export function openDisplay(options: DisplayOptions): Display {
  switch (options.mode) {
    case "quiet":
    case "none":
      return { update: () => undefined, finish: () => undefined };
    case "rawjson":
      return { update: (status) => void options.output.write(encodeRawJson(status)), finish: () => undefined };
    case "plain":
      return new PacedDisplay(options, plainPrinter(options), tailLines.plain);
    case "tty":
      return new PacedDisplay(options, ttyPrinter(options), tailLines.tty);
  }
}

interface Printer {
  add(status: SolveStatus, reduction: Reduction): void;
  print(): void;
  finish(): void;
}

function plainPrinter({ output, env, now, builder }: DisplayOptions): Printer {
  const isTty = output.isTTY === true;
  return new PlainPrinter({
    write: (text) => void output.write(text),
    now: () => now().getTime(),
    ...(builder && {
      description: `building with ${JSON.stringify(builder.name)} instance using ${builder.driver} driver`,
    }),
    shortNames: env.PROGRESS_NO_TRUNC === "0",
    safe: (text) => safeText(text, { colors: isTty }),
    rawLogs: !isTty,
  });
}

function ttyPrinter({ output, env, now, builder }: DisplayOptions): Printer {
  const { palette, warnings } = paletteFromEnv(env);
  for (const warning of warnings) output.write(`WARNING: ${warning}\n`);
  return new TtyPrinter({
    write: (text) => void output.write(text),
    now: () => now().getTime(),
    size: () => ({ columns: output.columns || 80, rows: output.rows || 24 }),
    description: builder ? `${builder.driver}:${builder.name}` : "",
    palette,
    logLines: positive(env.BUILDKIT_TTY_LOG_LINES) ?? 6,
  });
}

/** Gathers messages and lets a printer write at most every so often; a picture is also redrawn while nothing happens, for its clocks. */
class PacedDisplay implements Display {
  readonly #options: DisplayOptions;
  readonly #printer: Printer;
  readonly #tailLines: number;
  readonly #tails = new Map<string, LogTail>();
  readonly #timer: NodeJS.Timeout;
  readonly #rateMs: number;
  readonly #onResize = () => this.#print();
  #printedAtMs = 0;
  #view: ProgressView = emptyView;

  constructor(options: DisplayOptions, printer: Printer, lines: number) {
    this.#options = options;
    this.#printer = printer;
    this.#tailLines = lines;
    this.#rateMs = positive(options.env.TTY_DISPLAY_RATE) ?? 100;
    this.#timer = setInterval(() => this.#print(), this.#rateMs);
    this.#timer.unref();
    if (options.mode === "tty") options.output.on("resize", this.#onResize);
  }

  update(status: SolveStatus): void {
    const reduction = reduce(this.#view, status);
    this.#view = reduction.view;
    this.#printer.add(status, reduction);
    for (const log of status.logs) {
      const vertex = this.#view.vertexes.get(this.#view.groupOf.get(log.vertex) ?? log.vertex);
      if (!vertex) continue;
      let tail = this.#tails.get(vertex.digest);
      if (!tail) this.#tails.set(vertex.digest, (tail = new LogTail(this.#tailLines)));
      const start = vertex.intervals.at(-1)?.start;
      tail.add(log.data, formatLogTime(start === undefined ? 0n : log.timestamp - start));
    }
    if (this.#options.now().getTime() - this.#printedAtMs >= this.#rateMs) this.#print();
  }

  #print(): void {
    this.#printedAtMs = this.#options.now().getTime();
    this.#printer.print();
  }

  finish(): void {
    clearInterval(this.#timer);
    this.#options.output.off("resize", this.#onResize);
    const { output, sumsUpWarnings = true, debug = false } = this.#options;
    const safe = (text: string) => safeText(text, { colors: output.isTTY === true });
    this.#printer.finish();
    output.write(renderFailures(this.#view, this.#tails, safe));
    if (sumsUpWarnings) output.write(renderWarnings(this.#view, { debug, safe }));
  }
}

function positive(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}
