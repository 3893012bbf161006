import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Programs that show an address, the best one first. */
const programs = ["xdg-open", "x-www-browser", "www-browser"];

/**
 * Has the user's machine show an address.
 * @throws {Error} in Go's words, which buildx has: `exec: "xdg-open,x-www-browser,www-browser": executable file not found in $PATH`
 */
export async function openAddress(
  url: string,
  { env }: { readonly env: Readonly<Record<string, string | undefined>> },
): Promise<void> {
  const program = programs.flatMap((name) => found(name, env["PATH"] ?? ""))[0];
  if (program === undefined) throw new Error(`exec: "${programs.join(",")}": executable file not found in $PATH`);
  const child = spawn(program, [url], { env, stdio: "ignore" });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once("error", reject);
  child.once("exit", (code, signal) => {
    if (code === 0) resolve();
    else reject(new Error(code === null ? `signal: ${signal}` : `exit status ${code}`));
  });
  await promise;
}

function found(name: string, path: string): readonly string[] {
  return path.split(":").flatMap((directory) => {
    if (directory === "") return [];
    const file = join(directory, name);
    try {
      accessSync(file, constants.X_OK);
      return [file];
    } catch {
      return [];
    }
  });
}
