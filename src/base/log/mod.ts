/** The engine's own log: one line per event on stderr, in logfmt as BuildKit's. What happens in builds goes to their clients instead. */

const levels = ["debug", "info", "warn", "error"] as const;
/** How much an event matters. */
export type LogLevel = (typeof levels)[number];

let threshold: LogLevel = "info";

/** Events below `level` are not written. */
export function setLogLevel(level: LogLevel): void {
  threshold = level;
}

function write(level: LogLevel, message: string): void {
  if (levels.indexOf(level) < levels.indexOf(threshold)) return;
  process.stderr.write(`time=${new Date().toISOString()} level=${level} msg=${JSON.stringify(message)}\n`);
}

/** Writes to the log. */
export const log = {
  debug: (message: string): void => write("debug", message),
  info: (message: string): void => write("info", message),
  warn: (message: string): void => write("warn", message),
  error: (message: string): void => write("error", message),
};
