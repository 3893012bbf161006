import { readlinkSync } from "node:fs";

/**
 * Whether mounts made here stay here. The engine's launcher sees to it; a test or a debugger may have started the engine without it, and then no
 * mount of the machine may be touched. Judged by the machine's first process, or where that may not be looked at, by our parent.
 */
export function inOwnMountNamespace(): boolean {
  known ??= process.pid === 1 || namespaceOf("self") !== (namespaceOf("1") ?? namespaceOf(String(process.ppid)));
  return known;
}

// Asked once: later the parent may be gone.
let known: boolean | undefined;

function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}
