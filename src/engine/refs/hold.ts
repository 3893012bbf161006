/**
 * Something that several hold. It begins with one hold; when the last one is given back, it lets go of what it holds itself.
 */
export abstract class Held {
  #holds = 1;
  #gone: Promise<void> | undefined;

  /** Whether nobody holds it any more; such a thing must not be used. */
  get isGone(): boolean {
    return this.#holds === 0;
  }

  /** Another hold, to be given back by another {@link release}. */
  hold(): this {
    if (this.#holds === 0) throw new Error("Internal error: a hold on what nobody holds any more");
    this.#holds++;
    return this;
  }

  /** Gives one hold back. */
  async release(): Promise<void> {
    if (this.#holds === 0) throw new Error("Internal error: more releases than holds");
    if (--this.#holds === 0) this.#gone = this.letGo();
    await this.#gone;
  }

  /** Called once, when the last hold was given back; must take it out of every table first, before anything asynchronous. */
  protected abstract letGo(): Promise<void>;
}
