import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { runCli } from "../run.ts";
import { testContext } from "../testing/context.ts";
import { rootCommand } from "./root.ts";

/** An empty directory, and `polyarch daemon certs` run in it. */
function workshop(t: TestContext) {
  const cwd = mkdtempSync(join(tmpdir(), "polyarch-certs-"));
  t.after(() => rmSync(cwd, { recursive: true }));
  const certs = async (...args: string[]) => {
    const { context, out, err } = testContext({ cwd });
    const code = await runCli(rootCommand, ["daemon", "certs", ...args], context);
    return { code, stdout: out(), stderr: err() };
  };
  const read = (path: string) => readFileSync(join(cwd, path), "utf8");
  return { cwd, certs, read, certificate: (path: string) => new X509Certificate(read(path)) };
}

suite("daemon certs", () => {
  test("writes what an engine and a client need, in the layout of buildctl's --tlsdir", async (t) => {
    const { cwd, certs, certificate, read } = workshop(t);
    const done = await certs("--san", "node-1.lan,10.0.0.5", "--client=build farm", "--days=30", "keys");
    assert.equal(done.code, 0, done.stderr);
    const files = readdirSync(join(cwd, "keys"), { recursive: true, encoding: "utf8" }).toSorted();
    const triple = ["ca.pem", "cert.pem", "key.pem"];
    const paths = ["daemon", "client"].flatMap((side) => [side, ...triple.map((name) => `${side}/${name}`)]);
    assert.deepEqual(files, ["ca-key.pem", "ca.pem", ...paths].toSorted());
    const ca = certificate("keys/ca.pem");
    for (const side of ["daemon", "client"]) {
      assert.ok(certificate(`keys/${side}/cert.pem`).checkIssued(ca));
      assert.equal(read(`keys/${side}/ca.pem`), read("keys/ca.pem"));
      assert.equal(statSync(join(cwd, "keys", side, "key.pem")).mode & 0o777, 0o600);
    }
    assert.equal(certificate("keys/daemon/cert.pem").subjectAltName, "DNS:node-1.lan, IP Address:10.0.0.5");
    assert.equal(certificate("keys/client/cert.pem").subject, "CN=build farm");
    assert.match(done.stdout, /polyarchd --addr tcp:\/\/0\.0\.0\.0:1234 --tlscacert keys\/daemon\/ca\.pem --tlscert /);
    assert.match(done.stdout, /cacert=\$PWD\/keys\/client\/ca\.pem,cert=.* tcp:\/\/node-1\.lan:1234\n/);
  });
  test("keeps what is there, and adds to an authority when told to", async (t) => {
    const { certs, read } = workshop(t);
    assert.equal((await certs()).code, 0);
    const [authority, first] = [read(".certs/ca.pem"), read(".certs/daemon/cert.pem")];
    const again = await certs();
    assert.equal(again.code, 1);
    assert.match(again.stderr, /daemon\/cert\.pem is there already: give another directory, or --force/);
    assert.equal(read(".certs/daemon/cert.pem"), first);
    assert.equal((await certs("--force")).code, 0);
    assert.equal(read(".certs/ca.pem"), authority);
    assert.notEqual(read(".certs/daemon/cert.pem"), first);
  });
  test("refuses what makes no certificate, and writes nothing then", async (t) => {
    const { cwd, certs } = workshop(t);
    const cases: [string[], RegExp][] = [
      [["--san", "https://node:1234"], /invalid --san "https:\/\/node:1234": want DNS names or IP addresses/],
      [["--days=0"], /invalid --days 0/],
      [["--client="], /--client wants a name/],
      [["one", "two"], /requires at most 1 argument/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await certs(...args);
      assert.equal(code, 1);
      assert.match(stderr, message);
    }
    writeFileSync(join(cwd, "ca.pem"), "no certificate");
    assert.match((await certs(".")).stderr, /ca\.pem is there but not .*ca-key\.pem/);
    assert.deepEqual(readdirSync(cwd), ["ca.pem"]);
  });
});
