/** A command line that cannot be meant: shown as `ERROR: …` with where to read on, exit code 1. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** The command whose help tells more, for instance `polyarch build`; the one that was being parsed where absent. */
  readonly command: string | undefined;
  constructor(message: string, options: { command?: string } = {}) {
    super(message);
    this.command = options.command;
  }
}
