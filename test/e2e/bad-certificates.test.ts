import assert from "node:assert/strict";
import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { type LabEngine, must, polyarchProgram, startEngine } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";
import { assertClear, stateOf } from "./refusals.ts";

const house = await openHouse();
const scratch = await house.directory();
const certs = await house.directory();

const remote = (...args: string[]) => ["create", "--name", "never", "--driver", "remote", ...args];

suite("a node over TLS", () => {
  let engine: LabEngine;
  let address = "";
  const file = (set: string, name: string) => join(certs, set, `client/${name}.pem`);
  const options = (
    ca: string,
    pair: readonly [cert: string, key: string] | undefined,
    more: readonly string[] = [],
  ) => ["--driver-opt", [`cacert=${ca}`, ...(pair ? [`cert=${pair[0]}`, `key=${pair[1]}`] : []), ...more].join(",")];
  const own = () => [file("ours", "cert"), file("ours", "key")] as const;

  before(async () => {
    for (const set of ["ours", "strangers"]) await must(polyarchProgram, ["daemon", "certs", join(certs, set)]);
    const flags = ["ca", "cert", "key"].map((n) => `--tls${n === "ca" ? "cacert" : n}=${certs}/ours/daemon/${n}.pem`);
    engine = house.own(await startEngine(["--addr=tcp://127.0.0.1:0", ...flags]));
    address = engine.addresses[0] ?? "";
  });

  test("is not made with files that cannot be used", async () => {
    await symlink("/etc/passwd", join(certs, "no.pem"));
    const before = await stateOf(house, scratch);
    const [cert, key] = own();
    const ca = file("ours", "ca");
    for (const [given, says] of [
      [options("/none.pem", own()), /could not read ca certificate: open \/none\.pem: no such file or directory$/m],
      [options(join(certs, "no.pem"), own()), /could not read ca certificate .*no\.pem: it is no PEM file$/m],
      [options(ca, [cert, file("strangers", "key")]), /key .*strangers.* does not belong to certificate .*ours/],
      [options(ca, [key, cert]), /could not read certificate .*key\.pem: /],
    ] as const) {
      assertClear(await house.polyarch([...remote(...given), address]), says);
      assert.deepEqual(await stateOf(house, scratch), before);
    }
  });

  for (const [what, given, says] of [
    [
      "that is another authority's",
      () => options(file("strangers", "ca"), own()),
      /signed by unknown authority: .*strangers.* must be/,
    ],
    [
      "for another name",
      () => options(file("ours", "ca"), own(), ["servername=other"]),
      /certificate is valid for .*, not other: use /,
    ],
    [
      "and no client's certificate",
      () => options(file("ours", "ca"), undefined),
      /remote error: tls: certificate required: the server does not take this client's certificate/,
    ],
    [
      "and a stranger's certificate",
      () => options(file("ours", "ca"), [file("strangers", "cert"), file("strangers", "key")]),
      /may not take the certificate .*strangers/,
    ],
    ["that the client does not speak", () => [], /if the engine wants TLS, give it with --driver-opt cacert=/],
  ] as const) {
    test(`is refused with a certificate ${what}, and the builder is not made`, async () => {
      const before = await stateOf(house, scratch);
      const done = await house.polyarch([...remote("--bootstrap", "--use", ...given()), address], {
        timeoutMs: 180_000,
      });
      assertClear(done, says);
      assert.match(done.stderr, new RegExp(`^ERROR: no engine answers at ${address}: `, "m"));
      assert.deepEqual(await stateOf(house, scratch), before);
    });
  }

  test("tells in its log whose certificate it has refused", async () => {
    await engine.said(/TLS handshake error from .*: client certificate refused: UNABLE_TO_VERIFY/);
  });

  test("is refused with a certificate that has expired", async () => {
    const at = await house.directory();
    const { cert, key, csr } = { cert: join(at, "cert.pem"), key: join(at, "key.pem"), csr: join(at, "csr.pem") };
    await writeFile(join(at, "names"), "subjectAltName=IP:127.0.0.1");
    const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=old"];
    await must("openssl", ["req", "-new", ...fresh, "-keyout", key, "-out", csr]);
    const authority = ["-CA", join(certs, "ours/ca.pem"), "-CAkey", join(certs, "ours/ca-key.pem")];
    await must("openssl", [
      "x509",
      "-req",
      "-in",
      csr,
      ...authority,
      "-extfile",
      join(at, "names"),
      "-days",
      "-1",
      "-out",
      cert,
    ]);
    await using old = await startEngine(["--addr=tcp://127.0.0.1:0", `--tlscert=${cert}`, `--tlskey=${key}`]);
    const args = remote("--bootstrap", ...options(file("ours", "ca"), undefined), old.addresses[0] ?? "");
    assertClear(await house.polyarch(args), /x509: certificate has expired or is not yet valid: renew the engine's/);
  });
});
