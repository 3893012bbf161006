import { isBlank } from "../blanks.ts";

/** Cuts into words at blanks, except where they were quoted. */
export class WordCollector {
  readonly #words: string[] = [];
  #current = "";
  /** Text in which blanks separate. */
  add(text: string): void {
    for (const char of text) {
      if (!isBlank(char)) this.#current += char;
      else this.#end();
    }
  }
  /** Text that belongs to the current word, blanks and all. */
  addQuoted(text: string): void {
    this.#current += text;
  }
  finish(): readonly string[] {
    this.#end();
    return this.#words;
  }
  #end(): void {
    if (this.#current !== "") this.#words.push(this.#current);
    this.#current = "";
  }
}
