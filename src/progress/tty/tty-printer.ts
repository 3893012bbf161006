import type { Palette } from "../format/colors.ts";
import { TerminalLines } from "../logs/terminal-lines.ts";
import type { SolveStatus } from "../status.ts";
import type { Reduction } from "../view/reduce.ts";
import { emptyView, type ProgressView } from "../view/view.ts";
import { layoutFrame } from "./layout.ts";
import { Screen } from "./screen.ts";

/** What a {@link TtyPrinter} needs. */
export interface TtyPrinterOptions {
  readonly write: (text: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Size of the window now. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  readonly description: string;
  readonly palette: Palette;
  readonly logLines: number;
}

/** Progress as a picture that is redrawn in place, with the last lines of what running steps write. */
export class TtyPrinter {
  readonly #options: TtyPrinterOptions;
  readonly #screen: Screen;
  readonly #logs = new Map<string, TerminalLines>();
  readonly #startedAtMs: number;
  #view: ProgressView = emptyView;
  /** What to add to our clock to get the engine's, in nanoseconds: seen when the first step starts. */
  #clockSkew: bigint | undefined;
  constructor(options: TtyPrinterOptions) {
    this.#options = options;
    this.#screen = new Screen(options.write);
    this.#startedAtMs = options.now();
  }
  /** Takes one message in; nothing is drawn before {@link print}. */
  add(status: SolveStatus, { view }: Reduction): void {
    this.#view = view;
    const started = status.vertexes.find((vertex) => vertex.started !== undefined)?.started;
    if (this.#clockSkew === undefined && started !== undefined) this.#clockSkew = started - this.#localNanos();
    for (const { vertex, data } of status.logs) {
      const key = view.groupOf.get(vertex) ?? vertex;
      let log = this.#logs.get(key);
      if (!log) this.#logs.set(key, (log = new TerminalLines(this.#options.logLines)));
      log.write(data);
    }
  }
  print(): void {
    this.#draw(false);
  }
  finish(): void {
    this.#draw(true);
  }
  #draw(final: boolean): void {
    const { columns, rows } = this.#options.size();
    const now = this.#localNanos() + (this.#clockSkew ?? 0n);
    const startedAt = BigInt(Math.round(this.#startedAtMs)) * 1_000_000n + (this.#clockSkew ?? 0n);
    const frame = layoutFrame(
      { ...this.#view, startedAt: this.#view.startedAt ?? startedAt },
      {
        width: Math.max(1, columns - 1), // the last column stays free: clearing behind it would take its letter
        height: rows,
        now,
        final,
        description: this.#options.description,
        palette: this.#options.palette,
        logs: this.#logs,
        logLines: this.#options.logLines,
      },
    );
    this.#screen.draw(frame, Math.max(1, columns));
  }
  #localNanos(): bigint {
    return BigInt(Math.round(this.#options.now())) * 1_000_000n;
  }
}
