import { readFileSync } from "node:fs";

/** With `--help` among the arguments: prints a program's own first comment, and ends. `file` is the program's. */
export function offerHelp(file: string): void {
  if (!process.argv.includes("--help")) return;
  const [comment = ""] = /\/\*\*.*?\*\//s.exec(readFileSync(file, "utf8")) ?? [];
  const lines = [...comment.matchAll(/^ \* ?(.*)$/gm)].map((match) => match[1]);
  console.log(lines.join("\n"));
  process.exit(0);
}
