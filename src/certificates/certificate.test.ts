import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { connect, createServer } from "node:tls";
import { createAuthority, loadAuthority } from "./certificate.ts";
import { addressBytes } from "./extensions.ts";

const from = new Date("2026-01-02T03:04:05Z");
const until = new Date("2061-01-01T00:00:00Z");
const authority = createAuthority({ commonName: "Ünser CA", from, until });
const server = authority.issue({
  purpose: "server",
  commonName: "node-1",
  names: ["localhost", "node-1.lan", "127.0.0.1", "fe80::1:2", "::ffff:10.1.2.3"],
  from,
  until,
});
const client = authority.issue({ purpose: "client", commonName: "client", from, until });

suite("issued certificates", () => {
  test("say what was asked for, as OpenSSL reads them", () => {
    const text = openssl(["x509", "-noout", "-text", "-nameopt", "utf8"], server.cert);
    assert.match(text, /Version: 3/);
    assert.match(text, /Issuer: CN ?= ?Ünser CA/);
    assert.match(text, /Subject: CN ?= ?node-1/);
    assert.match(text, /Not Before: Jan {2}2 03:04:05 2026 GMT/);
    assert.match(text, /Not After : Jan {2}1 00:00:00 2061 GMT/);
    assert.match(text, /DNS:localhost, DNS:node-1.lan, IP Address:127.0.0.1, IP Address:FE80:0:0:0:0:0:1:2/);
    assert.match(text, /IP Address:0:0:0:0:0:FFFF:A01:203/);
    assert.match(text, /Basic Constraints: critical\s+CA:FALSE/);
    assert.match(text, /Key Usage: critical\s+Digital Signature\n/);
    assert.match(text, /TLS Web Server Authentication/);
    const ca = openssl(["x509", "-noout", "-text"], authority.cert);
    assert.match(ca, /CA:TRUE/);
    assert.match(ca, /Certificate Sign, CRL Sign/);
    const other = authority.issue({ purpose: "client", commonName: "other", from, until });
    assert.notEqual(new X509Certificate(client.cert).serialNumber, new X509Certificate(other.cert).serialNumber);
  });

  for (const [purpose, pair] of [
    ["sslserver", server],
    ["sslclient", client],
  ] as const) {
    test(`pass OpenSSL's strict verification as ${purpose}, and only as that`, () => {
      const directory = mkdtempSync(join(tmpdir(), "polyarch-certs-"));
      try {
        writeFileSync(join(directory, "ca.pem"), authority.cert);
        const verify = (as: string) =>
          openssl(["verify", "-x509_strict", "-purpose", as, "-CAfile", join(directory, "ca.pem")], pair.cert);
        assert.match(verify(purpose), /OK/);
        assert.throws(() => verify(purpose === "sslclient" ? "sslserver" : "sslclient"));
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  }

  test("serve and authenticate a TLS connection", async () => {
    assert.equal(await greet({ ...client }), "hello client");
    const stranger = createAuthority({ commonName: "Ünser CA", from, until });
    const forged = stranger.issue({ purpose: "client", commonName: "client", from, until });
    for (const pair of [forged, server, {}])
      assert.equal((await greet(pair).catch(() => "refused")) || "refused", "refused");
  });
});

suite("loadAuthority()", () => {
  test("goes on issuing what the first one's certificate verifies", () => {
    const again = loadAuthority({ cert: authority.cert, key: authority.key });
    const leaf = new X509Certificate(again.issue({ purpose: "server", commonName: "later", from, until }).cert);
    assert.ok(leaf.verify(new X509Certificate(authority.cert).publicKey));
    assert.ok(leaf.checkIssued(new X509Certificate(authority.cert)));
  });
  test("refuses what is no authority, or not its key", () => {
    assert.throws(() => loadAuthority(client), /not one of an authority/);
    assert.throws(() => loadAuthority({ cert: authority.cert, key: client.key }), /does not belong/);
  });
});

test("addressBytes() knows every way to write an address", () => {
  const cases: [string, string][] = [
    ["127.0.0.1", "7f000001"],
    ["::", "0".repeat(32)],
    ["::1", `${"0".repeat(31)}1`],
    ["2001:db8::8:800:200c:417a", "20010db80000000000080800200c417a"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["::ffff:1.2.3.4", "00000000000000000000ffff01020304"],
  ];
  for (const [text, hex] of cases) assert.equal(Buffer.from(addressBytes(text)).toString("hex"), hex, text);
});

/** Connects with a client's certificate to a server that wants one. @returns what the server says; nothing when it just hangs up */
async function greet(pair: { cert?: string; key?: string }): Promise<string> {
  const listener = createServer({ ...server, ca: authority.cert, requestCert: true }, (socket) => {
    const { CN } = socket.getPeerCertificate().subject;
    socket.end(`hello ${String(CN)}`);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  try {
    const { port } = listener.address() as AddressInfo;
    const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca: authority.cert, ...pair });
    return Buffer.concat(await socket.toArray()).toString();
  } finally {
    listener.close();
  }
}

function openssl(args: readonly string[], input: string): string {
  return execFileSync("openssl", args, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}
