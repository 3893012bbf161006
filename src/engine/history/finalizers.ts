/**
 * What is still to be written down of builds that have ended, by ref: it waits a while for what comes late, or until somebody asks for it.
 */
export class Finalizers implements AsyncDisposable {
  readonly #waitMs: number;
  readonly #pending = new Map<string, { readonly trigger: () => void; readonly done: Promise<void> }>();

  constructor({ waitMs }: { readonly waitMs: number }) {
    this.#waitMs = waitMs;
  }

  /** Does `work` soon. It must not throw. */
  schedule(ref: string, work: () => Promise<void>): void {
    const { promise: due, resolve: trigger } = Promise.withResolvers<void>();
    const timer = setTimeout(trigger, this.#waitMs);
    const done = due.then(async () => {
      clearTimeout(timer);
      await work();
      this.#pending.delete(ref);
    });
    this.#pending.set(ref, { trigger, done });
  }

  /** Does the work for `ref` now, if there is any; resolves when it is done. */
  async finalize(ref: string): Promise<void> {
    const pending = this.#pending.get(ref);
    pending?.trigger();
    await pending?.done;
  }

  /** Does all work now. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pending.keys()].map(async (ref) => await this.finalize(ref)));
  }
}
