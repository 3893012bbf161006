/** A line of a log, or the piece of one that has come so far. */
export interface LogPiece {
  /** Without the line end. */
  readonly bytes: Uint8Array;
  /** The piece goes on the last piece of the message before. */
  readonly continues: boolean;
  /** The line ended. */
  readonly complete: boolean;
}

/** Cuts a log's chunks at line ends. Holds no bytes: an unfinished line is passed on as far as it goes. */
export class LineSplitter {
  #open = false;
  /** Whether the last line has not ended yet. */
  get open(): boolean {
    return this.#open;
  }
  split(chunk: Uint8Array): LogPiece[] {
    const pieces: LogPiece[] = [];
    let from = 0;
    while (from < chunk.length) {
      const newline = chunk.indexOf(0x0a, from);
      const end = newline < 0 ? chunk.length : newline;
      pieces.push({ bytes: chunk.subarray(from, end), continues: this.#open, complete: newline >= 0 });
      this.#open = newline < 0;
      from = end + 1;
    }
    return pieces;
  }
}
