import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { pathForSystem } from "../../tar/mod.ts";
import type { FileContent } from "./toc.ts";

/**
 * Reads the bytes of files, one after the other, synchronously. Many files in one archive share one open descriptor.
 * Dispose of it at the end.
 */
export class ContentReader implements Disposable {
  #open: { readonly file: string; readonly fd: number } | undefined;
  #current:
    | { readonly fd: number; offset: number; left: number }
    | { readonly data: Uint8Array; offset: number }
    | undefined;

  /**
   * Begins to read one file.
   * @param size bytes that it should have
   * @returns bytes that it has: for a plain file, its size as of now
   */
  begin(content: FileContent, size: number): number {
    if (content.kind === "bytes") {
      this.#current = { data: content.data, offset: 0 };
      return content.data.length;
    }
    if (this.#open?.file !== content.file) {
      this.#close();
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      this.#open = { file: content.file, fd: openSync(pathForSystem(content.file), flags) };
    }
    const { fd } = this.#open;
    const actual = content.offsetBytes === 0 ? fstatSync(fd).size : size;
    // A range from the start of an archive cannot be told from a plain file; archives begin with a header, so there is none.
    this.#current = { fd, offset: content.offsetBytes, left: actual };
    return actual;
  }

  /** Fills as much of `target` as there are bytes left, and says how much; 0 at the end, and when a file has shrunk. */
  read(target: Buffer, offset: number, length: number): number {
    const current = this.#current;
    if (!current) return 0;
    if ("data" in current) {
      const piece = current.data.subarray(current.offset, current.offset + length);
      target.set(piece, offset);
      current.offset += piece.length;
      return piece.length;
    }
    const wanted = Math.min(length, current.left);
    const got = wanted === 0 ? 0 : readSync(current.fd, target, offset, wanted, current.offset);
    current.offset += got;
    current.left -= got;
    return got;
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  #close(): void {
    if (this.#open) closeSync(this.#open.fd);
    this.#open = undefined;
  }
}
