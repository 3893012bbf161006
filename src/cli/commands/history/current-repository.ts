import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BuildError } from "../../../base/errors/mod.ts";

const run = promisify(execFile);

/**
 * Where the work tree around a directory was cloned from: its remote `origin`, else its first one. What is secret in the address is left out.
 * @throws {BuildError} `failed_precondition` when there is no such thing
 */
export async function currentRepository(directory: string): Promise<string> {
  const git = async (...args: string[]) => (await run("git", ["-C", directory, ...args])).stdout.trim();
  try {
    const remotes = (await git("remote")).split("\n").filter((name) => name !== "");
    const name = remotes.includes("origin") ? "origin" : remotes[0];
    if (name === undefined) throw new Error("it has no remote");
    return (await git("remote", "get-url", name)).replace(/^([a-z]+:\/\/)[^/@]*@/, "$1");
  } catch (cause) {
    const why =
      cause instanceof Error
        ? (cause.message.split("\n").find((line) => line.startsWith("fatal:")) ?? cause.message)
        : "";
    throw new BuildError(
      "failed_precondition",
      `--local: ${directory} belongs to no repository with a remote: ${why}`,
      { cause },
    );
  }
}
