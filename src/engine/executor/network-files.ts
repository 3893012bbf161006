import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectorySync } from "../../base/files/mod.ts";
import { defaultHostname } from "./bundle/config.ts";
import type { ProcessSpec } from "./executor.ts";

/** The files that a process sees as /etc/resolv.conf and /etc/hosts. One file per content, shared by all processes that want the same. */
export class NetworkFiles {
  readonly #directory: string;
  readonly #hostResolvConf: string;
  readonly #upstreamResolvConf: string;
  readonly #dns: DnsSettings | undefined;
  constructor(
    directory: string,
    options: { hostResolvConf?: string; upstreamResolvConf?: string; dns?: DnsSettings | undefined } = {},
  ) {
    this.#directory = directory;
    this.#hostResolvConf = options.hostResolvConf ?? "/etc/resolv.conf";
    this.#upstreamResolvConf = options.upstreamResolvConf ?? "/run/systemd/resolve/resolv.conf";
    this.#dns = options.dns;
    makeDirectorySync(directory);
  }

  /**
   * Paths for one process. The machine's own file is read each time: it may change while the engine runs.
   * @param sharesNetwork whether resolvers on the machine's loopback device are reachable
   */
  for(
    process: Pick<ProcessSpec, "hostname" | "extraHosts">,
    { sharesNetwork }: { readonly sharesNetwork: boolean },
  ): {
    readonly resolvConf: string;
    readonly hosts: string;
  } {
    const dns = this.#dns;
    const found = this.#machineResolvConf(sharesNetwork);
    const machine = dns ? withDnsSettings(found, dns) : found;
    // Resolvers that the configuration names are meant for the networks that processes get.
    const isMeant = dns !== undefined && dns.nameservers.length > 0;
    const text = isMeant || (sharesNetwork && machine !== "") ? machine : withoutLocalResolvers(machine);
    return { resolvConf: this.#write("resolv.conf", text), hosts: this.#write("hosts", hostsFile(process)) };
  }

  /** Where the machine's only resolver is systemd's own stub, other networks ask those that it asks. */
  #machineResolvConf(sharesNetwork: boolean): string {
    const text = readIfThere(this.#hostResolvConf);
    const servers = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1]);
    const isStub = servers.length === 1 && servers[0] === "127.0.0.53";
    return isStub && !sharesNetwork ? readIfThere(this.#upstreamResolvConf) : text;
  }

  #write(name: string, text: string): string {
    const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
    const path = join(this.#directory, `${name}-${hash}`);
    if (!existsSync(path)) {
      writeFileSync(`${path}.new`, text, { mode: 0o644 });
      renameSync(`${path}.new`, path);
    }
    return path;
  }
}

/** What an engine's configuration says of names; what is empty is left as the machine has it. */
export interface DnsSettings {
  readonly nameservers: readonly string[];
  readonly options: readonly string[];
  readonly searchDomains: readonly string[];
}

/** The text of a resolv.conf in which some things are said in another way. */
export function withDnsSettings(text: string, dns: DnsSettings): string {
  const { nameservers, options, searchDomains } = dns;
  const replaced = [
    { keyword: /^\s*nameserver\s/, lines: nameservers.map((address) => `nameserver ${address}`) },
    {
      keyword: /^\s*(?:search|domain)\s/,
      lines: searchDomains.length > 0 ? [`search ${searchDomains.join(" ")}`] : [],
    },
    { keyword: /^\s*options\s/, lines: options.length > 0 ? [`options ${options.join(" ")}`] : [] },
  ].filter(({ lines }) => lines.length > 0);
  const kept = text.split("\n").filter((line) => line !== "" && !replaced.some(({ keyword }) => keyword.test(line)));
  return [...kept, ...replaced.flatMap(({ lines }) => lines), ""].join("\n");
}

const publicResolvers = ["8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"]
  .map((address) => `nameserver ${address}\n`)
  .join("");

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** The text of a resolv.conf for a network of its own: resolvers on the loopback device are not there. Where none remains, public ones stand in. */
export function withoutLocalResolvers(text: string): string {
  const lines = text.split("\n").filter((line) => !/^\s*nameserver\s+(127\.|::1\s*$)/.test(line));
  const rest = lines.join("\n");
  if (/^\s*nameserver\s/m.test(rest)) return rest;
  return (rest.trimEnd() === "" ? "" : `${rest.trimEnd()}\n`) + publicResolvers;
}

/** The text of /etc/hosts. */
export function hostsFile({ hostname, extraHosts }: Pick<ProcessSpec, "hostname" | "extraHosts">): string {
  const own = `127.0.0.1\tlocalhost ${hostname || defaultHostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n`;
  return own + (extraHosts ?? []).map(({ host, ip }) => `${ip}\t${host}\n`).join("");
}
