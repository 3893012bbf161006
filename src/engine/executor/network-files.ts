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
  readonly #dns: DnsSettings | undefined;
  constructor(directory: string, options: { hostResolvConf?: string; dns?: DnsSettings | undefined } = {}) {
    this.#directory = directory;
    this.#hostResolvConf = options.hostResolvConf ?? "/etc/resolv.conf";
    this.#dns = options.dns;
    makeDirectorySync(directory);
  }

  /** Paths for one process. The machine's own file is read each time: it may change while the engine runs. */
  for(process: Pick<ProcessSpec, "network" | "hostname" | "extraHosts">): {
    readonly resolvConf: string;
    readonly hosts: string;
  } {
    const found = existsSync(this.#hostResolvConf) ? readFileSync(this.#hostResolvConf, "utf8") : "";
    const machine = this.#dns ? withDnsSettings(found, this.#dns) : found;
    // Resolvers on the loopback device are reachable as long as the process shares the machine's network.
    const text =
      process.network === "none"
        ? withoutLocalResolvers(machine)
        : machine === ""
          ? withoutLocalResolvers("")
          : machine;
    return { resolvConf: this.#write("resolv.conf", text), hosts: this.#write("hosts", hostsFile(process)) };
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

const publicResolvers = "nameserver 8.8.8.8\nnameserver 8.8.4.4\n";

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
