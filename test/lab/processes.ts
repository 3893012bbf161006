import { readFileSync, readdirSync } from "node:fs";

/** A running process, as /proc tells it. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** Resident memory. */
  readonly bytes: number;
  /** The most resident memory that it ever had. */
  readonly peakBytes: number;
}

/** Every process of this machine that this process may see. */
export function processes(): readonly Process[] {
  const found: Process[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const status = readFileSync(`/proc/${name}/status`, "utf8");
      const field = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      found.push({
        pid: Number(name),
        parent: field("PPid"),
        command,
        bytes: field("VmRSS") * 1024,
        peakBytes: field("VmHWM") * 1024,
      });
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** A process and all that it started, directly or not. */
export function processTree(root: number): readonly Process[] {
  const all = processes();
  const tree = all.filter((process) => process.pid === root);
  for (const parent of tree) tree.push(...all.filter((process) => process.parent === parent.pid));
  return tree;
}
