import { log } from "../base/log/mod.ts";

/** How often somebody has asked this process to end. */
export interface StopSignals {
  /** The signal that asked first. */
  readonly first: Promise<string>;
  /** Resolves when somebody has asked again: builds are not to be waited for. */
  readonly second: Promise<void>;
}

/** The third time, the process ends at once. */
const patience = 3;

/** Listens for Ctrl-C and for requests to end. */
export function listenForStop(): StopSignals {
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<void>();
  let count = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      count++;
      first.resolve(signal);
      if (count > 1) second.resolve();
      if (count < patience) return;
      log.error(`got ${count} SIGTERM/SIGINTs, forcing shutdown`);
      process.exit(1);
    });
  }
  return { first: first.promise, second: second.promise };
}
