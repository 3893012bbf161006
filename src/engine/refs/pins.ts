/**
 * Digests of blobs that lie in the content store already while no layer that needs them is known yet. What is pinned is not removed. A digest may
 * be pinned several times.
 */
export class Pins {
  readonly #pins = new Map<string, number>();

  has(digest: string): boolean {
    return this.#pins.has(digest);
  }

  /** Pins until what is returned is disposed of. */
  pin(...digests: readonly string[]): Disposable {
    for (const digest of digests) this.#pins.set(digest, (this.#pins.get(digest) ?? 0) + 1);
    let pinned = true;
    return {
      [Symbol.dispose]: () => {
        if (!pinned) return;
        pinned = false;
        for (const digest of digests) {
          const left = (this.#pins.get(digest) ?? 1) - 1;
          if (left > 0) this.#pins.set(digest, left);
          else this.#pins.delete(digest);
        }
      },
    };
  }
}
