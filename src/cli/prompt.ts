import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import type { CliContext } from "./context.ts";

/**
 * Asks on the terminal for one line.
 * @param options.hidden what is typed is not shown
 */
export async function prompt(
  question: string,
  { stdin, stdout, signal }: Pick<CliContext, "stdin" | "stdout" | "signal">,
  options: { readonly hidden?: boolean } = {},
): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // With `terminal`, readline echoes what is typed to its output: for a hidden answer, nowhere.
  const lines = createInterface({ input: stdin, output: options.hidden ? nowhere : stdout, terminal: true });
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  // From now on the terminal itself echoes nothing, so that who answers fast is not shown either.
  if (options.hidden) stdout.write(question);
  try {
    return (await lines.question(options.hidden ? "" : question, { signal })).trim();
  } finally {
    lines.close();
    if (options.hidden) stdout.write("\n");
  }
}
