import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { describe, mediaTypes, parseReference } from "../oci/mod.ts";
import { anonymous, type HostConfig, openRegistry, type RegistryOptions } from "./mod.ts";
import { networkError } from "./network-error.ts";
import { addImage, startTestRegistry, type TestRegistry } from "./testing/mod.ts";

const { signal } = new AbortController();
const certificate = makeCertificate();
const needsCertificate = { skip: certificate ? false : "openssl is not installed: no certificate to test with" };

/** A certificate for 127.0.0.1 that signs itself. */
function makeCertificate(): { cert: string; key: string } | undefined {
  const directory = mkdtempSync(join(tmpdir(), "polyarch-tls-"));
  try {
    const subject = [
      "-subj",
      "/CN=test",
      "-addext",
      "subjectAltName=IP:127.0.0.1",
      "-addext",
      "basicConstraints=critical,CA:TRUE",
    ];
    const files = ["-keyout", join(directory, "key"), "-out", join(directory, "cert")];
    const { status } = spawnSync("openssl", [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      ...subject,
      ...files,
    ]);
    if (status !== 0) return undefined;
    return { cert: readFileSync(join(directory, "cert"), "utf8"), key: readFileSync(join(directory, "key"), "utf8") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function client(t: TestContext, config: HostConfig = {}, options: Partial<RegistryOptions> = {}) {
  const registry = openRegistry({
    credentials: anonymous,
    env: {},
    hosts: () => config,
    retry: { baseDelayMs: 1 },
    ...options,
  });
  t.after(() => registry.close());
  return registry;
}

async function server(t: TestContext, options: Parameters<typeof startTestRegistry>[0] = {}): Promise<TestRegistry> {
  const started = await startTestRegistry(options);
  t.after(() => started[Symbol.asyncDispose]());
  addImage(started, "app", "1", { layers: [], platform: { os: "linux", architecture: "amd64" } });
  return started;
}

/** A port where nobody listens, and that nobody is given who asks for any. */
const closedPort = 1;

test("nobody there: the error has Go's words, the registry and the remedy, and comes at once", async (t) => {
  const host = `127.0.0.1:${closedPort}`;
  const started = performance.now();
  await assert.rejects(client(t, {}, { retry: {} }).resolve(parseReference(`${host}/app:1`), { signal }), {
    code: "unavailable",
    message:
      `failed to do request: Head "http://${host}/v2/app/manifests/1": dial tcp ${host}: connect: connection refused: ` +
      `nothing listens there: check that registry "${host}" is running and its address is right`,
  });
  assert.ok(performance.now() - started < 5000);
});

test("a name that does not exist", async (t) => {
  await assert.rejects(client(t).resolve(parseReference("no-such-host.invalid/app:1"), { signal }), {
    code: "unavailable",
    message:
      /^failed to do request: Head "https:\/\/no-such-host.invalid\/v2\/app\/manifests\/1": dial tcp: lookup no-such-host.invalid: (no such host|Temporary failure in name resolution): check /,
  });
});

test("a certificate that nobody vouches for", needsCertificate, async (t) => {
  const { host } = await server(t, { tls: certificate as NonNullable<typeof certificate> });
  const ref = parseReference(`${host}/app:1`);
  await assert.rejects(client(t, { plainHttp: false }).resolve(ref, { signal }), {
    code: "unavailable",
    message:
      /: tls: failed to verify certificate: x509: certificate signed by unknown authority: give its authority as "ca" for registry "127.0.0.1:\d+" in the builder's config, or set "insecure = true" there/,
  });
  await client(t, { ca: [certificate?.cert ?? ""] }).resolve(ref, { signal });
  await client(t, { insecure: true }).resolve(ref, { signal });
});

test("a certificate for another name", needsCertificate, async (t) => {
  const { host } = await server(t, { tls: certificate as NonNullable<typeof certificate> });
  const ref = parseReference(`${host.replace("127.0.0.1", "localhost")}/app:1`);
  await assert.rejects(
    client(t, { ca: [certificate?.cert ?? ""] }).resolve(ref, { signal }),
    /certificate is not valid for localhost: use a name that the certificate/,
  );
});

for (const secure of [false, true]) {
  test(`a large blob goes up from memory that is filled again for each chunk, over ${secure ? "TLS" : "HTTP"}`, {
    skip: secure && needsCertificate.skip,
  }, async (t) => {
    const { host, storage } = await server(t, secure && certificate ? { tls: certificate } : {});
    const whole = Buffer.alloc(24 * 1024 * 1024 + 5, "all different, or at least not all the same; ");
    const blob = describe(mediaTypes.ociLayer, whole);
    async function* lent(): AsyncGenerator<Uint8Array> {
      const memory = Buffer.alloc(256 * 1024);
      for (let at = 0; at < whole.length; at += memory.length) {
        yield memory.subarray(0, whole.copy(memory, 0, at, at + memory.length));
        memory.fill(0);
      }
    }
    const registry = client(t, secure ? { insecure: true } : {});
    assert.equal(await registry.pushBlob(parseReference(`${host}/app`), blob, lent, { signal }), "pushed");
    assert.ok(Buffer.from(storage.blob("app", blob.digest) ?? []).equals(whole));
  });
}

test("plain HTTP where HTTPS was expected", async (t) => {
  const { host } = await server(t);
  const ref = parseReference(`${host}/app:1`);
  await assert.rejects(
    client(t, { plainHttp: false }).resolve(ref, { signal }),
    /http: server gave HTTP response to HTTPS client: if registry ".*" really speaks plain HTTP, set "http = true"/,
  );
});

test("insecure and http together try HTTPS first, and remember what worked", async (t) => {
  const { host, requests } = await server(t);
  const ref = parseReference(`${host}/app:1`);
  const registry = client(t, { plainHttp: true, insecure: true });
  await registry.resolve(ref, { signal });
  await registry.resolve(ref, { signal });
  assert.equal(requests.length, 2);
});

test("requests that find out about plain HTTP side by side all get their answer", async (t) => {
  const { host } = await server(t);
  const ref = parseReference(`${host}/app:1`);
  const registry = client(t, { plainHttp: true, insecure: true });
  await Promise.all(Array.from({ length: 4 }, () => registry.resolve(ref, { signal })));
});

test("HTTPS in use where plain HTTP was expected is an answer like any other", needsCertificate, async (t) => {
  const { host } = await server(t, { tls: certificate as NonNullable<typeof certificate> });
  await assert.rejects(client(t).resolve(parseReference(`${host}/app:1`), { signal }), {
    code: /unavailable|invalid_argument/,
  });
});

test("proxies of the environment are used, but not for this machine", async (t) => {
  const proxy = await server(t);
  const other = await server(t);
  const env = { http_proxy: `http://${proxy.host}` };
  const registry = client(t, { plainHttp: true }, { env });
  await registry.resolve(parseReference("registry.example/app:1"), { signal });
  assert.deepEqual(
    proxy.requests.map(({ path, headers }) => [path, headers.host]),
    [["http://registry.example/v2/app/manifests/1", "registry.example"]],
  );
  await registry.resolve(parseReference(`${other.host}/app:1`), { signal });
  assert.equal(proxy.requests.length, 1);
  const excepted = client(t, { plainHttp: true }, { env: { ...env, NO_PROXY: "*.invalid" } });
  await assert.rejects(
    excepted.resolve(parseReference("no-such-host.invalid/app:1"), { signal }),
    /lookup no-such-host.invalid/,
  );
});

test("errors that arrive wrapped, as when IPv6 and IPv4 both fail, are looked into", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED"), {
    code: "ECONNREFUSED",
    address: "127.0.0.1",
    port: 5000,
  });
  const both = Object.assign(new AggregateError([new Error("v6"), refused]), { code: "ECONNREFUSED" });
  const request = { method: "PUT", url: "http://localhost:5000/v2/a?digest=secret", registry: "localhost:5000" };
  const error = networkError(request, new TypeError("fetch failed", { cause: both }));
  assert.match(
    error.message,
    /^failed to do request: Put "http:\/\/localhost:5000\/v2\/a": dial tcp 127.0.0.1:5000: connect: connection refused/,
  );
  assert.equal(error.transient, false);
});
