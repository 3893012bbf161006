import type { Palette } from "../format/colors.ts";
import { paint } from "../format/colors.ts";
import { cutToWidth, safeText, textWidth } from "../format/safe-text.ts";
import { secondsOf } from "../format/time.ts";
import type { Nanos } from "../status.ts";
import { totalNanos } from "../view/intervals.ts";
import type { ProgressView } from "../view/view.ts";
import { chooseLiveLogs, fitJobs } from "./fit.ts";
import { countSteps, type Job, jobsOf } from "./jobs.ts";

/** What a frame depends on besides the view. */
export interface FrameOptions {
  readonly width: number;
  readonly height: number;
  /** By the engine's clock. */
  readonly now: Nanos;
  /** Right part of the header: what the build runs on. */
  readonly description: string;
  readonly palette: Palette;
  /** Live lines of running steps by digest: how much they wrote, and the last lines wrapped to a width. */
  readonly logs: ReadonlyMap<string, { readonly bytes: number; content(width: number): string[] }>;
  /** How many lines a live log may take. */
  readonly logLines: number;
  /** The last frame: everything is shown, however high the screen. */
  readonly final: boolean;
}

/** Columns that stay free to the right of a live log. */
const logMargin = 10;

/** One picture of the build, line by line, without line ends. Pure. */
export function layoutFrame(view: ProgressView, options: FrameOptions): string[] {
  const { width, height, now, final } = options;
  const jobs = jobsOf(view);
  const logWidth = Math.max(1, width - logMargin);
  const running = jobs.flatMap(({ vertex, state }) => (vertex && state === "running" ? [vertex.digest] : []));
  const contents = new Map(
    running.flatMap((key) => {
      const log = options.logs.get(key);
      return log && log.bytes > 0 ? [[key, log.content(logWidth)] as const] : [];
    }),
  );
  const live = chooseLiveLogs(
    jobs,
    [...contents].map(([key, lines]) => ({ key, bytes: options.logs.get(key)?.bytes ?? 0, lines: lines.length })),
    height,
    options.logLines,
  );
  const logRows = [...live].reduce((sum, key) => sum + (contents.get(key)?.length ?? 0), 0);
  const shown = final ? jobs : fitJobs(jobs, height - 2 - logRows);
  return [
    header(view, options),
    ...shown.flatMap((job) => {
      const row = jobRow(job, width, now, options.palette);
      if (row === undefined) return [];
      const log = job.vertex && live.has(job.vertex.digest) ? contents.get(job.vertex.digest) : undefined;
      return [row, ...(log ?? []).map((line) => paint(options.palette, options.palette.faint, ` => => # ${line}`))];
    }),
  ];
}

function header(view: ProgressView, { now, final, width, description }: FrameOptions): string {
  const { completed, total } = countSteps(view);
  const seconds = view.startedAt === undefined || now < view.startedAt ? 0 : secondsOf(now - view.startedAt);
  const finished = final && total > 0 && completed === total ? "FINISHED" : "";
  return align(`[+] Building ${seconds.toFixed(1)}s (${completed}/${total}) ${finished}`, description, width);
}

function jobRow(job: Job, width: number, now: Nanos, palette: Palette): string | undefined {
  if (job.intervals.length === 0) return undefined;
  const seconds = secondsOf(totalNanos(job.intervals, now));
  const timer = ` ${(seconds < 0.05 ? 0 : seconds).toFixed(1).padStart(3)}s`;
  const prefix = " => ";
  let room = width - prefix.length - timer.length - 2;
  const showAmount = job.amount !== "" && room + job.amount.length > 20;
  if (showAmount) room -= job.amount.length + 1;
  if (room < 12) return undefined; // a screen too narrow for names
  const name = cutToWidth(safeText(job.name.replaceAll("\t", " ")), room);
  const row = align(`${prefix}${name}${showAmount ? ` ${job.amount}` : ""}`, timer, width);
  switch (job.state) {
    case "running":
      return row;
    case "done":
      return paint(palette, palette.roles.run, row);
    case "canceled":
      return paint(palette, palette.roles[job.name.startsWith("WARN: ") ? "warning" : "cancel"], row);
    case "failed":
      return paint(palette, palette.roles.error, row);
  }
}

/** `left` and `right` at the two ends of a line of `width` columns. */
function align(left: string, right: string, width: number): string {
  const gap = width - textWidth(left) - textWidth(right);
  return gap > 0 ? left + " ".repeat(gap) + right : right === "" || gap === 0 ? left + right : cutToWidth(left, width);
}
