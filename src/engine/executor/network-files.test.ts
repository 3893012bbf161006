import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type DnsSettings, NetworkFiles, withDnsSettings } from "./network-files.ts";

test("withDnsSettings() replaces what is set and leaves the rest to the machine", () => {
  const machine = "# by hand\nsearch lan\nnameserver 192.168.0.1\nnameserver fe80::1\noptions ndots:1\n";
  const none: DnsSettings = { nameservers: [], options: [], searchDomains: [] };
  const cases: [Partial<DnsSettings>, string][] = [
    [{}, machine],
    [
      { nameservers: ["1.1.1.1", "9.9.9.9"] },
      "# by hand\nsearch lan\noptions ndots:1\nnameserver 1.1.1.1\nnameserver 9.9.9.9\n",
    ],
    [
      { searchDomains: ["a.example", "b.example"], options: ["edns0"] },
      "# by hand\nnameserver 192.168.0.1\nnameserver fe80::1\nsearch a.example b.example\noptions edns0\n",
    ],
  ];
  for (const [settings, want] of cases) assert.equal(withDnsSettings(machine, { ...none, ...settings }), want);
  assert.equal(withDnsSettings("", { ...none, nameservers: ["1.1.1.1"] }), "nameserver 1.1.1.1\n");
});

const home = mkdtempSync(join(tmpdir(), "network-files-"));
after(() => rmSync(home, { recursive: true }));
const google =
  "nameserver 8.8.8.8\nnameserver 8.8.4.4\nnameserver 2001:4860:4860::8888\nnameserver 2001:4860:4860::8844\n";

for (const [what, machine, servers, sharesNetwork, want] of [
  ["others' resolvers", "nameserver 9.9.9.9\n", [], false, "nameserver 9.9.9.9\n"],
  ["a local resolver", "search lan\nnameserver 127.0.0.1\n", [], false, `search lan\n${google}`],
  ["a local resolver", "nameserver 127.0.0.1\n", [], true, "nameserver 127.0.0.1\n"],
  ["a local resolver beside others", "nameserver ::1\nnameserver 9.9.9.9\n", [], false, "nameserver 9.9.9.9\n"],
  ["systemd's stub", "nameserver 127.0.0.53\n", [], false, "nameserver 192.168.0.1\n"],
  ["systemd's stub", "nameserver 127.0.0.53\n", [], true, "nameserver 127.0.0.53\n"],
  ["nothing", "", [], true, google],
  ["a configured local resolver", "nameserver 9.9.9.9\n", ["127.0.0.2"], false, "nameserver 127.0.0.2\n"],
] as const) {
  test(`${what} of a machine, for a process ${sharesNetwork ? "in its network" : "in its own network"}`, () => {
    const [hostResolvConf, upstreamResolvConf] = [join(home, "machine"), join(home, "upstream")];
    writeFileSync(hostResolvConf, machine);
    writeFileSync(upstreamResolvConf, "nameserver 192.168.0.1\n");
    const dns = servers.length > 0 ? { nameservers: servers, options: [], searchDomains: [] } : undefined;
    const files = new NetworkFiles(join(home, "made"), { hostResolvConf, upstreamResolvConf, dns });
    assert.equal(readFileSync(files.for({}, { sharesNetwork }).resolvConf, "utf8"), want);
  });
}
