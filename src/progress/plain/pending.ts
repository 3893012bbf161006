import { LineSplitter, type LogPiece } from "../logs/line-splitter.ts";

/** A piece of a log line that waits to be printed, with the time that stands before its line. */
export interface PendingPiece extends LogPiece {
  readonly time: string;
}

/** Longest unfinished line that is printed again when its step gets the word back. */
const maxOpenBytes = 16 * 1024;

/** What one step has to say and has not said yet, because another step has the word. */
export class Pending {
  readonly #splitter = new LineSplitter();
  #pieces: PendingPiece[] = [];
  #items = new Set<string>();
  /** News since the step last had the word. */
  count = 0;
  /** When the first of these news came, in milliseconds. */
  since: number | undefined;
  /** How many of its remarks have been printed. */
  warningsPrinted = 0;
  /** The last line printed has not ended: its time and what of it was printed. */
  openLine: { readonly time: string; readonly chunks: Uint8Array[]; bytes: number } | undefined;
  /** Items by id: when they were last printed, and how far they were then. */
  readonly printed = new Map<string, { atMs: number; fraction: number }>();

  addNews(nowMs: number): void {
    if (this.count === 0) this.since = nowMs;
    this.count++;
  }
  addItem(id: string): void {
    this.#items.add(id);
  }
  addLog(chunk: Uint8Array, time: string): void {
    for (const piece of this.#splitter.split(chunk)) this.#pieces.push({ ...piece, time });
  }
  /** Notes that `piece` was printed, and keeps the line that it leaves unfinished. */
  printedPiece(piece: PendingPiece): void {
    if (piece.complete) {
      this.openLine = undefined;
      return;
    }
    if (!piece.continues || !this.openLine) this.openLine = { time: piece.time, chunks: [], bytes: 0 };
    if (this.openLine.bytes < maxOpenBytes) this.openLine.chunks.push(piece.bytes);
    this.openLine.bytes += piece.bytes.length;
  }
  takeItems(): ReadonlySet<string> {
    const items = this.#items;
    this.#items = new Set();
    return items;
  }
  takePieces(): readonly PendingPiece[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }
}
