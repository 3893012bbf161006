import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";

/** A program on a terminal. */
export interface Screen {
  /** All that it has shown so far. */
  shown(): string;
  type(keys: string): void;
  /** Waits until it has shown this; fails when it ends without, or takes two minutes. */
  saw(text: string): Promise<void>;
  /** Its exit code, once all that it has shown is there. */
  readonly exit: Promise<number>;
}

/** Starts a program on a terminal of 33 rows and 77 columns, which `script` makes. @param env beside this process's */
export function openScreen(command: readonly string[], env: Readonly<Record<string, string>>): Screen {
  const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const child = spawn("script", ["-qec", `stty rows 33 cols 77; exec ${words.join(" ")}`, "/dev/null"], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  child.stdout.on("data", (data: Buffer) => (shown += data.toString()));
  const exit = once(child, "close").then(([code]) => code as number);
  return {
    shown: () => shown,
    type: (keys) => void child.stdin.write(keys),
    saw: async (text) => {
      const late = setTimeout(() => child.kill("SIGKILL"), 120_000);
      while (!shown.includes(text)) {
        const ended = await Promise.race([once(child.stdout, "data").then(() => false), exit.then(() => true)]);
        assert.ok(!ended || shown.includes(text), `waited for ${JSON.stringify(text)} in vain:\n${shown}`);
      }
      clearTimeout(late);
    },
    exit,
  };
}
