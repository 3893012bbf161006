import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { must } from "./run.ts";

/** OpenSSH's agent with one key in it. Disposing it stops it. */
export interface LabSshAgent extends AsyncDisposable {
  readonly socket: string;
  /** File of the private key. */
  readonly key: string;
  /** What `ssh-add -L` says of the key, without its comment. */
  readonly publicKey: string;
}

/** Starts `ssh-agent`, with a key made for it. */
export async function startSshAgent(): Promise<LabSshAgent> {
  const home = await mkdtemp(join(tmpdir(), "polyarch-agent-"));
  const [socket, key] = [join(home, "agent.sock"), join(home, "key")];
  await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", key]);
  const child = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
  await once(child.stdout, "data");
  await must("ssh-add", ["-q", key], { env: { SSH_AUTH_SOCK: socket } });
  const [type, blob] = (await readFile(`${key}.pub`, "utf8")).split(" ");
  return {
    socket,
    key,
    publicKey: `${type} ${blob}`,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, "close");
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Copies a program of this machine into a directory, with all the libraries that it needs, at the same paths. */
export async function copyProgram(program: string, directory: string): Promise<void> {
  const listed = await must("ldd", [program]);
  const paths = [program, ...[...listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = ""]) => path)];
  for (const path of paths) {
    const target = join(directory, path);
    await mkdir(dirname(target), { recursive: true });
    await cp(path, target, { dereference: true });
  }
}
