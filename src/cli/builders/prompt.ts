import { createInterface } from "node:readline";
import type { CliContext } from "../context.ts";

/** Asks on the terminal; only `y` means yes, and so nothing does where nobody can answer. @throws the signal's reason when interrupted */
export async function confirm(question: string, { stdin, stdout, signal }: CliContext): Promise<boolean> {
  stdout.write(`${question} [y/N] `);
  const lines = createInterface({ input: stdin });
  try {
    return await new Promise<boolean>((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      lines.once("line", (line) => resolve(line.toLowerCase() === "y"));
      lines.once("close", () => resolve(false));
      if (signal.aborted) onAbort();
    });
  } finally {
    lines.close();
  }
}
