import assert from "node:assert/strict";
import { test } from "node:test";
import { type DnsSettings, withDnsSettings } from "./network-files.ts";

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
