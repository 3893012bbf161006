import { readdirSync, readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { join } from "node:path";
import { isSystemError } from "../../../../base/sys/mod.ts";
import type { Attachment } from "./attachment.ts";

/** Where the plugin notes addresses unless `dataDir` says otherwise: a directory for each network, a file for each address. */
const defaultDirectory = "/var/lib/cni/networks";

/** The part of a plugin's configuration that is about addresses, as far as `host-local` has it. */
interface HostLocal {
  readonly type?: unknown;
  readonly dataDir?: unknown;
  readonly subnet?: unknown;
  readonly ranges?: unknown;
}

/**
 * The addresses that an attachment has been given by the plugin `host-local`, as that has noted them: `10.1.2.3/24`. For attachments whose ADD was
 * killed before it could say so.
 * @see https://www.cni.dev/plugins/current/ipam/host-local/
 */
export function leasedAddresses({ id, list }: Attachment): readonly string[] {
  return list.plugins.flatMap(({ ipam }) => {
    if (typeof ipam !== "object" || ipam === null) return [];
    const { type, dataDir, ...config }: HostLocal = ipam;
    if (typeof type !== "string" || !type.endsWith("host-local")) return [];
    const directory = join(typeof dataDir === "string" && dataDir !== "" ? dataDir : defaultDirectory, list.name);
    return names(directory)
      .filter((name) => isIP(name) !== 0 && ownerOf(join(directory, name)) === id)
      .map((address) => `${address}/${prefixOf(address, subnetsOf(config))}`);
  });
}

function names(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return [];
    throw error;
  }
}

/** The first line says whose it is; it may be given back at this moment. */
function ownerOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").split(/\r?\n/)[0]?.trim();
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
}

function subnetsOf({ subnet, ranges }: HostLocal): readonly string[] {
  const sets: readonly unknown[] = Array.isArray(ranges) ? ranges.flat() : [];
  const all = [subnet, ...sets.map((range) => (range as HostLocal | null)?.subnet)];
  return all.filter((subnet) => typeof subnet === "string");
}

/** How long the prefix of an address is: that of its subnet. */
function prefixOf(address: string, subnets: readonly string[]): number {
  const family = (text: string) => (isIP(text) === 6 ? "ipv6" : "ipv4");
  for (const subnet of subnets) {
    const [net = "", bits] = subnet.split("/");
    if (isIP(net) === 0 || family(net) !== family(address)) continue;
    const block = new BlockList();
    block.addSubnet(net, Number(bits), family(net));
    if (block.check(address, family(address))) return Number(bits);
  }
  return isIP(address) === 6 ? 128 : 32;
}
