import type { FileSink } from "../../session/mod.ts";

/** Knows the sinks that are being opened or written to, so that a build does not end while half a file is still being taken away. */
export class OpenSinks {
  readonly #open = new Set<Promise<void>>();
  /** Opens a sink that is known here until it is closed or aborted. */
  async open(make: () => Promise<FileSink> | FileSink): Promise<FileSink> {
    const ended = Promise.withResolvers<void>();
    this.#open.add(ended.promise);
    const ending = async (end: () => Promise<void>): Promise<void> => {
      try {
        await end();
      } finally {
        this.#open.delete(ended.promise);
        ended.resolve();
      }
    };
    try {
      const sink = await make();
      return {
        write: (bytes) => sink.write(bytes),
        close: () => ending(() => sink.close()),
        abort: () => ending(() => sink.abort()),
      };
    } catch (error) {
      await ending(() => Promise.resolve());
      throw error;
    }
  }
  /** Resolves when all sinks have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#open);
  }
}
