import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { must } from "./run.ts";

/** A network beside the machine's, in which programs may make devices and firewall rules that nobody else sees. Disposed of, it is gone. */
export interface LabNetwork extends AsyncDisposable {
  /** Words that, before a command, run it in this network. They become the command: its process is theirs. */
  readonly inside: readonly string[];
  /** Names of its devices, sorted. */
  devices(): Promise<readonly string[]>;
  /** The rules of its firewall, as `iptables-save` writes them. */
  rules(): Promise<readonly string[]>;
  /** Names of the files of a directory as programs in it see it, which have a `/var/lib/cni` of their own; none where it is missing. */
  list(directory: string): Promise<readonly string[]>;
}

/** Opens a network with nothing in it but a loopback device that is down. */
export async function openOwnNetwork(): Promise<LabNetwork> {
  const script = "mkdir -p /var/lib/cni && mount -t tmpfs tmpfs /var/lib/cni && echo ready && exec cat";
  const args = ["--net", "--mount", "--propagation", "private", "/bin/sh", "-c", script];
  const holder = spawn("unshare", args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(holder, "exit");
  await Promise.race([
    once(holder.stdout, "data"),
    ended.then(() => Promise.reject(new Error("no network of its own can be had: the tests need root"))),
  ]);
  const inside = ["nsenter", `--target=${holder.pid}`, "--net", "--mount", "--"];
  const run = async (...command: string[]) => {
    const [program = "", ...rest] = [...inside, ...command];
    return (await must(program, rest)).split("\n").filter(Boolean);
  };
  return {
    inside,
    devices: async () => {
      const text = await readFile(`/proc/${holder.pid}/net/dev`, "utf8");
      return [...text.matchAll(/^\s*(\S+):/gm)].map((match) => match[1] ?? "").toSorted();
    },
    rules: () => run("iptables-save"),
    list: (directory) => run("/bin/sh", "-c", 'ls "$0" 2>/dev/null || true', directory),
    [Symbol.asyncDispose]: async () => {
      holder.stdin.end();
      await ended;
    },
  };
}
