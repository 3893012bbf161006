import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { BuildError } from "../../../base/errors/mod.ts";
import { networkLinks, removeLink } from "../../../base/sys/mod.ts";
import type { NetworkList } from "./cni/mod.ts";

/** Plugins of the built-in network, by what they do. */
interface BridgePlugins {
  readonly bridge: string;
  readonly hostLocal: string;
  readonly firewall: string;
  /** Where they are. */
  readonly directories: readonly string[];
}

/**
 * Finds the plugins: those that come with BuildKit (`buildkit-cni-bridge`, …) in `path`, or the usual ones in `binaryDir`.
 * @throws {BuildError} `failed_precondition` when there are none
 */
export function findBridgePlugins(path: string, binaryDir: string): BridgePlugins {
  const own = (name: string) =>
    path
      .split(delimiter)
      .map((directory) => join(directory, `buildkit-cni-${name}`))
      .find((file) => existsSync(file));
  const [bridge, hostLocal, firewall] = [own("bridge"), own("host-local"), own("firewall")];
  if (bridge !== undefined && hostLocal !== undefined && firewall !== undefined) {
    return {
      bridge: "buildkit-cni-bridge",
      hostLocal: "buildkit-cni-host-local",
      firewall: "buildkit-cni-firewall",
      directories: [...new Set([bridge, hostLocal, firewall].map((file) => dirname(file)))],
    };
  }
  const file = join(binaryDir, "bridge");
  if (!existsSync(file)) {
    throw new BuildError(
      "failed_precondition",
      `failed to find CNI bridge ${JSON.stringify(file)} or buildkit-cni-bridge: install CNI plugins (Debian's package is ` +
        "containernetworking-plugins) and name their directory with --oci-cni-binary-dir",
    );
  }
  return { bridge: "bridge", hostLocal: "host-local", firewall: "firewall", directories: [binaryDir] };
}

/** BuildKit's built-in network: a bridge, addresses from `subnet`, and a firewall that keeps other bridges out. */
export function bridgeList(plugins: BridgePlugins, { name, subnet }: { name: string; subnet: string }): NetworkList {
  return {
    cniVersion: "1.0.0",
    name: "buildkit",
    plugins: [
      {
        type: plugins.bridge,
        bridge: name,
        isDefaultGateway: true,
        ipMasq: true,
        ipam: { type: plugins.hostLocal, ranges: [[{ subnet }]] },
      },
      { type: plugins.firewall, backend: "", ingressPolicy: "same-bridge" },
    ],
  };
}

/**
 * The bridge itself, which plugins make and leave behind. Disposed of, it goes if this engine (or one before it that was killed) has had it made,
 * and nobody else is connected.
 */
export class OwnedBridge implements Disposable {
  readonly #file: string;
  /** @param file remembers that the bridge is ours */
  constructor(name: string, file: string) {
    this.#file = file;
    const isThere = networkLinks().some((link) => link.name === name);
    const wasOurs = existsSync(file) && readFileSync(file, "utf8") === name;
    if (!isThere) writeFileSync(file, name);
    else if (!wasOurs) rmSync(file, { force: true });
  }

  [Symbol.dispose](): void {
    removeLeftBridge(this.#file);
  }
}

/** Removes the bridge that a file remembers as ours, unless somebody is connected to it, or it is `wanted`. */
export function removeLeftBridge(file: string, wanted?: string): void {
  if (!existsSync(file)) return;
  const name = readFileSync(file, "utf8");
  if (name === wanted) return;
  const links = networkLinks();
  const bridge = links.find((link) => link.name === name);
  if (bridge && links.some(({ master }) => master === bridge.index)) return;
  if (bridge) removeLink(name);
  rmSync(file);
}
