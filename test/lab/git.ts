import { spawn } from "node:child_process";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { must, run } from "./run.ts";

/** A server of Git repositories on this machine. Disposing it stops it and removes what it has. */
export interface LabGit extends AsyncDisposable {
  /** `git://127.0.0.1:port` */
  readonly address: string;
  /**
   * Makes a repository with one commit for each of `commits`, on the branch `main`, the n-th with the tag `v<n>`.
   * @returns its address
   */
  repository(name: string, commits: readonly Readonly<Record<string, string>>[]): Promise<string>;
  /** Adds a commit to the branch `main` of a repository. @param options.submodules addresses by path */
  add(
    name: string,
    files: Readonly<Record<string, string>>,
    options?: { readonly submodules?: Readonly<Record<string, string>>; readonly date?: string },
  ): Promise<void>;
  /** Where the repositories are. */
  readonly directory: string;
  /** What a ref of a repository stands for. */
  commit(name: string, ref: string): Promise<string>;
}

/** Starts `git daemon`. */
export async function startGit(): Promise<LabGit> {
  const home = await mkdtemp(join(tmpdir(), "polyarch-git-"));
  const port = await freePort();
  const address = `git://127.0.0.1:${port}`;
  const flags = ["--reuseaddr", "--export-all", "--listen=127.0.0.1", `--port=${port}`, `--base-path=${home}`];
  const env = { ...process.env, GIT_CONFIG_NOSYSTEM: "1", HOME: home };
  const daemon = spawn("git", ["daemon", ...flags, home], { env, stdio: "ignore" });
  const ended = once(daemon, "close");
  const git = async (cwd: string, ...args: string[]) =>
    await must("git", ["-c", "safe.directory=*", ...args], { cwd, env });
  const write = async (directory: string, files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), text);
    }
  };
  const author = ["-c", "user.name=Lab", "-c", "user.email=lab@example.org"];
  const dispose = async () => {
    daemon.kill("SIGTERM");
    await ended;
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return {
    address,
    async repository(name, commits) {
      const directory = join(home, name);
      await mkdir(directory);
      await git(directory, "init", "--quiet", "--initial-branch=main");
      for (const [at, files] of commits.entries()) {
        await write(directory, files);
        await git(directory, "add", "--all");
        await git(directory, ...author, "commit", "--quiet", "--message", `commit ${at + 1}`);
        await git(directory, ...author, "tag", "--annotate", "--message", "tag", `v${at + 1}`);
      }
      for (let tries = 0; (await run("git", ["ls-remote", `${address}/${name}`], { env })).code !== 0; tries++) {
        if (tries > 600) throw new Error("git daemon does not answer");
        await sleep(50);
      }
      return `${address}/${name}`;
    },
    async add(name, files, { submodules = {}, date } = {}) {
      const directory = join(home, name);
      await write(directory, files);
      for (const [path, from] of Object.entries(submodules)) {
        // Taken from the disk; what is written down is the address that others will see.
        const allowed = ["-c", "protocol.file.allow=always"];
        const local = join(home, from.slice(from.lastIndexOf("/") + 1));
        await git(directory, ...allowed, "submodule", "--quiet", "add", "--name", path, local, path);
        await git(directory, "config", "--file", ".gitmodules", `submodule.${path}.url`, from);
      }
      await git(directory, "add", "--all");
      const at = date === undefined ? [] : ["--date", date];
      const dated = date === undefined ? env : { ...env, GIT_COMMITTER_DATE: date };
      const args = ["-c", "safe.directory=*", ...author, "commit", "--quiet", "--message", "another", ...at];
      await must("git", args, { cwd: directory, env: dated });
    },
    directory: home,
    commit: async (name, ref) => (await git(join(home, name), "rev-parse", `${ref}^{commit}`)).trim(),
    [Symbol.asyncDispose]: dispose,
  };
}
