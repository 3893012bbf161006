import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { createServer as createSecureServer } from "node:tls";
import { control } from "../api/mod.ts";
import { BuildError, type ErrorCode } from "../base/errors/mod.ts";
import { createRpcServer, service, type ServiceHandlers } from "../rpc/mod.ts";
import { BuildKitClient, connect, dialAddress, type TlsFiles } from "./mod.ts";

/** An engine that answers as `handlers` do, listening where `listen` says. */
async function serve(
  t: TestContext,
  handlers: ServiceHandlers<typeof control.Control>,
  listen: (listener: Server) => void,
  listener: Server = createServer(),
): Promise<Server> {
  const server = createRpcServer({ services: [service(control.Control, handlers)] });
  server.serve(listener);
  listen(listener);
  await once(listener, "listening");
  t.after(async () => {
    listener.close();
    await server.close({ graceMs: 0 });
  });
  return listener;
}

function socketPath(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "client-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return join(dir, "s.sock");
}

const hasCode = (code: ErrorCode, message: RegExp) => (error: unknown) =>
  error instanceof BuildError && error.code === code && message.test(error.message);

const handlers: ServiceHandlers<typeof control.Control> = {
  info: () => ({ buildkitVersion: { version: "v1" } }),
  listWorkers: ({ filter }) => ({ record: [{ ID: filter.join() }] }),
  solve: ({ Ref }) => ({ ExporterResponse: { ref: Ref } }),
  async *status({ Ref }, { responseHeaders }) {
    responseHeaders.set("buildkit-current-timestamp", new Date(Date.now() + 60_000).toISOString());
    yield { vertexes: [{ name: Ref }] };
  },
};

suite("a client", () => {
  test("asks an engine on a unix socket", async (t) => {
    const path = socketPath(t);
    await serve(t, handlers, (listener) => listener.listen(path));
    await using client = new BuildKitClient(connect({ open: dialAddress(`unix://${path}`) }));
    assert.equal((await client.info())?.version, "v1");
    assert.deepEqual(
      (await client.listWorkers({ filter: ["id==1"] })).map(({ ID }) => ID),
      ["id==1"],
    );
    assert.deepEqual((await client.solve({ Ref: "r" })).ExporterResponse, { ref: "r" });
    let aheadMs = 0;
    const news = await Array.fromAsync(client.status("r", { onClock: (ms) => (aheadMs = ms) }));
    assert.equal(news[0]?.vertexes[0]?.name, "r");
    assert.ok(aheadMs > 50_000 && aheadMs < 61_000, `the engine's clock is a minute ahead, not ${aheadMs} ms`);
  });

  test("asks an engine on a TCP port", async (t) => {
    const listener = await serve(t, handlers, (server) => server.listen(0, "127.0.0.1"));
    const { port } = listener.address() as { port: number };
    await using client = new BuildKitClient(connect({ open: dialAddress(`tcp://127.0.0.1:${port}`) }));
    assert.equal((await client.info())?.version, "v1");
  });

  test("asks an engine on a TCP port with TLS, and both show their certificates", async (t) => {
    const dir = dirname(socketPath(t));
    const subject = ["-subj", "/CN=engine", "-addext", "subjectAltName=DNS:engine"];
    const keyFiles = ["-keyout", join(dir, "key.pem"), "-out", join(dir, "cert.pem")];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...keyFiles], {
      stdio: "ignore",
    });
    const files = { ca: join(dir, "cert.pem"), cert: join(dir, "cert.pem"), key: join(dir, "key.pem") };
    const pem = (path: string) => readFileSync(path);
    const certificate = { cert: pem(files.cert), key: pem(files.key), ca: pem(files.ca) };
    const secure = createSecureServer({
      ...certificate,
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ["h2"],
    });
    await serve(t, handlers, (listener) => listener.listen(0, "127.0.0.1"), secure);
    const { port } = secure.address() as { port: number };
    const dial = (tls: TlsFiles) =>
      new BuildKitClient(connect({ open: dialAddress(`tcp://127.0.0.1:${port}`, { tls }) }));
    await using client = dial({ ...files, serverName: "engine" });
    assert.equal((await client.info())?.version, "v1");
    await using wrongName = dial({ ...files, serverName: "other" });
    await assert.rejects(
      wrongName.info(),
      hasCode("unavailable", /x509: certificate is valid for engine, not other: /),
    );
    await using noCertificate = dial({ ca: files.ca, serverName: "engine" });
    await assert.rejects(noCertificate.info(), hasCode("unavailable", /./));
  });

  test("is told that nobody is there", async (t) => {
    const path = socketPath(t);
    await using client = new BuildKitClient(connect({ open: dialAddress(`unix://${path}`) }));
    await assert.rejects(client.info(), hasCode("unavailable", /dial unix .*: connect: no such file or directory/));
    await serve(t, handlers, (listener) => listener.listen(path));
    assert.equal((await client.info())?.version, "v1", "and finds it when it comes");
  });

  test("refuses addresses that are none", () => {
    const invalid = (address: string) => () => dialAddress(address);
    for (const address of [
      "",
      "/run/x.sock",
      "unix://",
      "tcp://",
      "tcp://host:0",
      "tcp://host:70000",
      "tcp://a b:1/x",
    ]) {
      assert.throws(invalid(address), hasCode("invalid_argument", /invalid address/), address);
    }
    assert.throws(invalid("docker-container://x"), hasCode("unimplemented", /only unix:\/\/, tcp:\/\/ and ssh:\/\//));
  });
});
