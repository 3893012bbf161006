import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, before, suite, test } from "node:test";
import { connect as connectTls, type ConnectionOptions, createServer } from "node:tls";
import { control } from "../api/mod.ts";
import { createAuthority } from "../certificates/mod.ts";
import { CommandFailure } from "../base/stdio/mod.ts";
import { brokenConnection } from "./broken-connection.ts";
import { connect } from "./channel.ts";
import { createClient } from "./client.ts";
import { createRpcServer } from "./server.ts";
import { service } from "./service.ts";

const times = { from: new Date(Date.now() - 60_000), until: new Date(Date.now() + 3_600_000) };
const authority = createAuthority({ commonName: "ours", ...times });
const stranger = createAuthority({ commonName: "theirs", ...times });
const certificate = authority.issue({ purpose: "server", commonName: "engine", names: ["engine.lan"], ...times });

suite("gRPC over mutual TLS", () => {
  const rpc = createRpcServer({
    services: [
      service(control.Control, {
        info: (_, { peer }) => ({ buildkitVersion: { version: peer ? `process ${peer.pid}` : "nobody here" } }),
      }),
    ],
  });
  const listener = createServer({
    ...certificate,
    ca: authority.cert,
    requestCert: true,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2"],
  });
  before(async () => {
    rpc.serve(listener);
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
  });
  after(async () => {
    await rpc.close({ graceMs: 0 });
    listener.close();
  });

  /** Asks the server for its version, which here is who it takes the client for. */
  async function ask(options: ConnectionOptions): Promise<string> {
    await using channel = connect({
      open: async () => {
        const { port } = listener.address() as AddressInfo;
        const alpn = { ALPNProtocols: ["h2"], servername: "engine.lan", ca: authority.cert };
        const socket = connectTls({ host: "127.0.0.1", port, ...alpn, ...options });
        await once(socket, "secureConnect");
        return socket;
      },
    });
    const { buildkitVersion } = await createClient(control.Control, channel).info({});
    return buildkitVersion?.version ?? "";
  }
  const issue = (by: typeof authority) => by.issue({ purpose: "client", commonName: "somebody", ...times });

  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`answers a client that the authority knows, over ${maxVersion}, and takes it for no process of this machine`, async () => {
      assert.equal(await ask({ ...issue(authority), maxVersion }), "nobody here");
    });
    test(`refuses whom it does not know, over ${maxVersion}`, async () => {
      await assert.rejects(ask({ maxVersion }), { code: /unavailable/ });
      await assert.rejects(ask({ ...issue(stranger), maxVersion }), { code: "unavailable" });
    });
  }
  test("refuses older versions of TLS, and other protocols inside", async () => {
    await assert.rejects(ask({ ...issue(authority), maxVersion: "TLSv1.1", minVersion: "TLSv1.1" }));
    await assert.rejects(ask({ ...issue(authority), ALPNProtocols: ["http/1.1"] }));
  });
});

test("brokenConnection() tells a client why TLS has refused it, where that has reached it", () => {
  const alert = Object.assign(new Error("error:0A00045C"), { code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" });
  const refused = brokenConnection(Object.assign(alert, { reason: "tlsv13 alert certificate required" }));
  assert.match(refused.message, /^connection error: remote error: tls: certificate required: the server does not take/);
  const ssh = new CommandFailure("command [ssh] has exited with exit status 255, stderr=no such host");
  assert.equal(brokenConnection(ssh).message, `error reading from server: ${ssh.message}`);
  const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  for (const cause of [undefined, reset])
    assert.equal(brokenConnection(cause).message, "error reading from server: EOF");
});
