import { closeSync } from "node:fs";
import { messageOf } from "../../../../base/errors/mod.ts";
import { log } from "../../../../base/log/mod.ts";
import { addAddress, addLink, makeNetworkNamespace, setLoopbackUp } from "../../../../base/sys/mod.ts";
import type { ResultInterface } from "./result.ts";

/** A network namespace that lives as long as this object, or whatever runs in it. */
export interface NetworkNamespace extends Disposable {
  /** Good for other processes, too, as long as this one lives. */
  readonly path: string;
}

/** A namespace with a loopback device that works. */
export function openNamespace(): NetworkNamespace {
  return hold(makeNetworkNamespace(setLoopbackUp));
}

/**
 * A namespace that looks like one that is gone: plugins look into it for what they have to take away outside of it (rules for the addresses of its
 * devices, for instance). An empty one, where the kernel has no bridges, and so no such rules.
 */
export function restoreNamespace(interfaces: readonly ResultInterface[]): NetworkNamespace {
  try {
    return hold(makeNetworkNamespace(() => addInterfaces(interfaces)));
  } catch (error) {
    log.debug(`cannot restore a network namespace: ${messageOf(error)}`);
    return openNamespace();
  }
}

function addInterfaces(interfaces: readonly ResultInterface[]): void {
  for (const [at, { name, addresses }] of interfaces.entries()) {
    const index = at + 2; // the loopback device is the first
    addLink({ index, name, kind: "bridge" });
    for (const address of addresses) addAddress(index, address);
  }
}

function hold(fd: number): NetworkNamespace {
  return { path: `/proc/${process.pid}/fd/${fd}`, [Symbol.dispose]: () => closeSync(fd) };
}
