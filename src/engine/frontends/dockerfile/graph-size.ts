/** Twice what a client could hand over as a graph of its own; large projects stay below a hundredth of it. */
const maxLength = 32 * 1024 * 1024;

/** How much variables add to the graph of one conversion: each step that runs a process has all of them, so some thousand of both would fill any memory. */
export class GraphSize {
  #length = 0;

  /**
   * A step has these variables.
   * @throws {Error} when the variables of all steps become longer than any graph may be
   */
  add(variables: readonly string[]): void {
    for (const text of variables) this.#length += text.length + 1;
    if (this.#length > maxLength) {
      throw new Error(
        `variables of all RUN steps together are longer than ${maxLength} characters: set fewer of them, or join steps`,
      );
    }
  }
}
