/** Text is turned into bytes in pieces of about this many characters. */
const pieceLength = 64 * 1024;

/** A long JSON text that comes in parts, as bytes: neither the values nor the text are ever in memory as a whole. Use once. */
export class JsonBytes {
  readonly #pieces: Buffer[] = [];
  #text = "";

  add(...texts: readonly string[]): void {
    for (const text of texts) this.#text += text;
    if (this.#text.length >= pieceLength) this.#flush();
  }

  /** All of it. */
  bytes(): Uint8Array<ArrayBuffer> {
    this.#flush();
    const all = new Uint8Array(this.#pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  #flush(): void {
    this.#pieces.push(Buffer.from(this.#text, "utf8"));
    this.#text = "";
  }
}
