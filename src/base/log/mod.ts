/**
 * The engine's own log: one line per event on stderr, in logfmt or JSON as BuildKit's. What happens in builds goes to their clients
 * instead.
 */

const levels = ["debug", "info", "warn", "error"] as const;
/** How much an event matters. */
export type LogLevel = (typeof levels)[number];
/** How lines look: `time=… level=… msg="…"`, or an object with the same fields. */
export type LogFormat = "text" | "json";

let threshold: LogLevel = "info";
let format: LogFormat = "text";

/** Events below `level` are not written. */
export function setLogLevel(level: LogLevel): void {
  threshold = level;
}

/** From now on lines look so. */
export function setLogFormat(to: LogFormat): void {
  format = to;
}

function write(level: LogLevel, msg: string): void {
  if (levels.indexOf(level) < levels.indexOf(threshold)) return;
  const time = new Date().toISOString();
  const name = level === "warn" ? "warning" : level; // as BuildKit's log has it
  const line =
    format === "json"
      ? JSON.stringify({ level: name, msg, time })
      : `time="${time}" level=${name} msg=${JSON.stringify(msg)}`;
  process.stderr.write(`${line}\n`);
}

/** Writes to the log. */
export const log = {
  debug: (message: string): void => write("debug", message),
  info: (message: string): void => write("info", message),
  warn: (message: string): void => write("warn", message),
  error: (message: string): void => write("error", message),
};
