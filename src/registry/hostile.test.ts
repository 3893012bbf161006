import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { suite, test, type TestContext } from "node:test";
import { collectBytes, describe, digestOf, manifestLimitBytes, mediaTypes, parseReference } from "../oci/mod.ts";
import { anonymous, openRegistry, type Registry, type RegistryOptions } from "./mod.ts";
import { addImage, startTestRegistry, type TestRegistryOptions } from "./testing/mod.ts";

/* Registries, and what stands between, as they should not be: each answer is one that some server has given, or that somebody may give on purpose. */

const { signal } = new AbortController();
const bytes = Buffer.from("blob ".repeat(100_000));
const blob = describe(mediaTypes.ociLayer, bytes);
const login = { for: () => Promise.resolve({ username: "me", password: "secret" }) };
const open = async function* () {
  await Promise.resolve();
  yield bytes;
};
const collect = (stream: AsyncIterable<Uint8Array>) => collectBytes(stream, { limitBytes: 2 ** 24 });

function client(t: TestContext, options: Partial<RegistryOptions> = {}): Registry {
  const registry = openRegistry({ credentials: anonymous, env: {}, retry: { baseDelayMs: 1 }, ...options });
  t.after(() => registry.close());
  return registry;
}

/** A server that does what it likes. */
async function server(t: TestContext, listener: RequestListener): Promise<string> {
  const http = createServer(listener);
  http.listen(0, "127.0.0.1");
  await new Promise((resolve) => http.once("listening", resolve));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return `127.0.0.1:${(http.address() as AddressInfo).port}`;
}

/** A test registry with the image `app:1`, whose layer is `blob`. */
async function registryWithImage(t: TestContext, options: TestRegistryOptions = {}) {
  const registry = await startTestRegistry(options);
  t.after(() => registry[Symbol.asyncDispose]());
  const layers = [{ bytes, diffId: blob.digest, mediaType: blob.mediaType }];
  const { platform: _, ...manifest } = addImage(registry, "app", "1", {
    layers,
    platform: { os: "linux", architecture: "amd64" },
  });
  return { registry, ref: parseReference(`${registry.host}/app:1`), manifest };
}

suite("names", () => {
  test("a registry that does not know HEAD is asked with GET; one that says that there is nothing is believed", async (t) => {
    const { registry, ref, manifest } = await registryWithImage(t);
    const http = client(t);
    const isHead = ({ method }: { method: string }) => method === "HEAD";
    for (const headers of [{}, { "content-type": "text/plain" }]) {
      registry.plan({ when: isHead, fault: { type: "answer", status: 404, headers } });
      assert.deepEqual(await http.resolve(ref, { signal }), manifest);
    }
    const before = registry.requests.length;
    for (const headers of [
      { "content-type": "application/json; charset=utf-8" },
      { "docker-distribution-api-version": "registry/2.0" },
    ]) {
      registry.plan({ when: isHead, fault: { type: "answer", status: 404, headers } });
      await assert.rejects(http.resolve(ref, { signal }), { code: "not_found" });
    }
    assert.equal(registry.requests.length, before + 2);
  });

  test("a manifest that is called something else than what it is, is refused", async (t) => {
    const { registry, ref, manifest } = await registryWithImage(t);
    const http = client(t);
    const body = Buffer.from(registry.storage.manifest("app", "1")?.bytes ?? []).toString();
    registry.plan({ when: ({ method }) => method === "HEAD", fault: { type: "answer", status: 405 } });
    const headers = { "content-type": mediaTypes.ociIndex };
    registry.plan({ when: () => true, fault: { type: "answer", status: 200, headers, body } });
    await assert.rejects(http.resolve(ref, { signal }), {
      code: "invalid_argument",
      message: /Cannot decode image index: /,
    });
    // One that is called nothing in particular says itself what it is.
    registry.plan({ when: ({ method }) => method === "HEAD", fault: { type: "answer", status: 405 } });
    const plain = { "content-type": "application/octet-stream" };
    registry.plan({ when: () => true, fault: { type: "answer", status: 200, headers: plain, body } });
    assert.deepEqual(await http.resolve(ref, { signal }), manifest);
  });

  test("a manifest that never ends is left, whether its size is told or not", async (t) => {
    const host = await server(t, (request, response) => {
      if (request.method === "HEAD") return void response.writeHead(405).end();
      response.writeHead(200, { "content-type": mediaTypes.ociManifest });
      const more = () => {
        while (!response.destroyed && response.write(" ".repeat(65536)));
      };
      response.on("drain", more);
      more();
    });
    const http = client(t);
    const ref = parseReference(`${host}/app:1`);
    await assert.rejects(http.resolve(ref, { signal }), /limit|more than/);
    const digest = digestOf("x");
    const told = { mediaType: mediaTypes.ociManifest, digest, size: manifestLimitBytes + 1 };
    await assert.rejects(http.fetchManifest(ref, told, { signal }), { code: "resource_exhausted" });
    await assert.rejects(http.fetchManifest(ref, { ...told, size: 10 }, { signal }), { code: "data_loss" });
  });
});

suite("downloads", () => {
  test("a length that is not the blob's is noticed before a byte is passed on", async (t) => {
    for (const length of [bytes.byteLength - 1, bytes.byteLength + 1]) {
      const host = await server(t, (_, response) => {
        response.writeHead(200, { "content-length": String(length) }).write(bytes.subarray(0, 100));
      });
      let seen = 0;
      const reading = (async () => {
        for await (const chunk of client(t).fetchBlob(parseReference(`${host}/app`), blob, { signal })) {
          seen += chunk.byteLength;
        }
      })();
      await assert.rejects(reading, { code: "data_loss", message: new RegExp(`unexpected size ${length}, expected`) });
      assert.equal(seen, 0);
    }
  });

  test("a blob without end is left as soon as it is longer than it may be", async (t) => {
    const host = await server(t, (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(bytes));
      };
      response.on("drain", more);
      more();
    });
    const reading = collect(client(t).fetchBlob(parseReference(`${host}/app`), blob, { signal }));
    await assert.rejects(reading, { code: "data_loss", message: /more than the expected 500000 bytes/ });
  });

  test("a range that was not asked for is refused", async (t) => {
    const { registry, ref } = await registryWithImage(t);
    const isBlob = ({ path }: { path: string }) => path.includes("/blobs/");
    registry.plan({ when: isBlob, fault: { type: "cut", afterBytes: 1000 } });
    const headers = { "content-range": "bytes 5-9/500000", "content-length": "5" };
    registry.plan({ when: isBlob, fault: { type: "answer", status: 206, headers, body: "blob " } });
    await assert.rejects(collect(client(t).fetchBlob(ref, blob, { signal })), {
      message: /sent another range than bytes=1000-: bytes 5-9/,
    });
  });

  test("redirects in circles end", async (t) => {
    let requests = 0;
    const host = await server(t, (request, response) => {
      requests++;
      response.writeHead(307, { location: request.url }).end();
    });
    await assert.rejects(collect(client(t).fetchBlob(parseReference(`${host}/app`), blob, { signal })), {
      code: "unavailable",
      message: /redirects in circles: stopped after 10 redirects from http:/,
    });
    assert.equal(requests, 11);
  });

  test("a redirect to what is no web address is refused", async (t) => {
    for (const location of ["file:///etc/passwd", "http://"]) {
      const host = await server(t, (_, response) => void response.writeHead(302, { location }).end());
      await assert.rejects(collect(client(t).fetchBlob(parseReference(`${host}/app`), blob, { signal })), {
        message: /points to an unusable place: /,
      });
    }
  });

  test("a redirect that comes home gets the login, the place in between does not", async (t) => {
    const { registry, ref } = await registryWithImage(t, { auth: { type: "basic", users: { me: "secret" } } });
    const seen: (string | undefined)[] = [];
    const between = await server(t, (request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: `http://${registry.host}/v2/app/blobs/${blob.digest}` }).end();
    });
    const http = client(t, { credentials: login });
    await http.resolve(ref, { signal });
    const headers = { location: `http://${between}/somewhere` };
    registry.plan({ when: ({ path }) => path.includes("/blobs/"), fault: { type: "answer", status: 307, headers } });
    assert.equal((await collect(http.fetchBlob(ref, blob, { signal }))).byteLength, blob.size);
    assert.deepEqual(seen, [undefined]);
  });
});

suite("uploads", () => {
  const isPut = ({ method }: { method: string }) => method === "PUT";

  test("an upload that the registry has lost starts over", async (t) => {
    const { registry } = await registryWithImage(t);
    const body = JSON.stringify({ errors: [{ code: "BLOB_UPLOAD_UNKNOWN", message: "blob upload unknown" }] });
    registry.plan({ when: isPut, times: 2, fault: { type: "answer", status: 404, body } });
    const ref = parseReference(`${registry.host}/new`);
    assert.equal(await client(t).pushBlob(ref, blob, open, { signal }), "pushed");
    assert.equal(registry.requests.filter(({ method }) => method === "POST").length, 3);
    assert.deepEqual(registry.storage.blob("new", blob.digest), bytes);
  });

  test("one that has come through although its answer was lost is not sent again", async (t) => {
    const { registry } = await registryWithImage(t);
    const ref = parseReference(`${registry.host}/new`);
    registry.plan({
      when: (request) => {
        if (isPut(request)) registry.storage.addBlob("new", bytes);
        return isPut(request);
      },
      fault: { type: "reset" },
    });
    assert.equal(await client(t).pushBlob(ref, blob, open, { signal }), "exists");
  });

  test("Retry-After counts for uploads too: a short wait is waited, a long one ends the push at once", async (t) => {
    const { registry } = await registryWithImage(t);
    const ref = parseReference(`${registry.host}/new`);
    const busy = (seconds: string) => ({ type: "answer", status: 429, headers: { "retry-after": seconds } }) as const;
    const http = client(t, { retry: { baseDelayMs: 3_600_000, longestDelayMs: 3_600_000 } });
    registry.plan({ when: isPut, fault: busy("0") });
    assert.equal(await http.pushBlob(ref, blob, open, { signal }), "pushed");
    registry.plan({ when: isPut, times: 9, fault: busy("7200") });
    await assert.rejects(http.pushBlob(parseReference(`${registry.host}/other`), blob, open, { signal }), {
      code: "resource_exhausted",
      message: /429 Too Many Requests/,
    });
  });

  test("what is sent follows a redirect that says so, and leaves the login behind", async (t) => {
    const auth = { type: "basic", users: { me: "secret" } } as const;
    const { registry } = await registryWithImage(t, { auth });
    const { registry: moved } = await registryWithImage(t);
    const http = client(t, { credentials: login });
    const ref = parseReference(`${registry.host}/app`);
    const other = describe("x", Buffer.from("elsewhere"));
    const body = async function* () {
      await Promise.resolve();
      yield Buffer.from("elsewhere");
    };
    await http.hasBlob(ref, blob.digest, { signal });
    const headers = { location: `http://${moved.host}/v2/app/blobs/uploads/` };
    registry.plan({ when: ({ method }) => method === "POST", fault: { type: "answer", status: 307, headers } });
    assert.equal(await http.pushBlob(ref, other, body, { signal }), "pushed");
    assert.equal(Buffer.from(moved.storage.blob("app", other.digest) ?? []).toString(), "elsewhere");
    assert.ok(moved.requests.every(({ headers }) => headers.authorization === undefined));
    // A redirect that would make another request of it is none.
    registry.plan({ when: ({ method }) => method === "POST", fault: { type: "answer", status: 302, headers } });
    const refused = http.pushBlob(ref, describe("x", Buffer.from("more")), body, { signal });
    await assert.rejects(refused, { message: /unexpected status from POST request .*302 Found/ });
  });

  test("an upload that was opened nowhere is an error", async (t) => {
    const { registry } = await registryWithImage(t);
    registry.plan({ when: ({ method }) => method === "POST", fault: { type: "answer", status: 202 } });
    await assert.rejects(client(t).pushBlob(parseReference(`${registry.host}/new`), blob, open, { signal }), {
      message: /opened an upload but did not say where: no Location header/,
    });
  });

  test("a manifest that is stored as something else is an error", async (t) => {
    const { registry, ref } = await registryWithImage(t);
    const headers = { "docker-content-digest": digestOf("other") };
    registry.plan({ when: isPut, fault: { type: "answer", status: 201, headers } });
    const manifest = { mediaType: mediaTypes.ociManifest, bytes: Buffer.from("{}") };
    await assert.rejects(client(t).pushManifest(ref, manifest, "2", { signal }), {
      code: "data_loss",
      message: /stored it as sha256:/,
    });
    registry.plan({ when: isPut, fault: { type: "answer", status: 201 } });
    const pushed = await client(t).pushManifest(ref, manifest, "2", { signal });
    assert.equal(pushed.digest, digestOf("{}"), "a registry need not say it");
  });
});

suite("token servers", () => {
  const bearer = { type: "bearer", users: { me: "secret" }, oauth: false } as const;

  /** A registry whose token server is another host, which does something first. */
  async function elsewhere(t: TestContext, first: RequestListener) {
    const { registry, ref, manifest } = await registryWithImage(t, { auth: bearer });
    const seen: (string | undefined)[] = [];
    const tokens = await server(t, (request, response) => {
      seen.push(request.headers.authorization);
      first(request, response);
    });
    const challenge = `Bearer realm="http://${tokens}/token",service="test-service"`;
    registry.plan({
      when: ({ path, headers }) => path.startsWith("/v2/") && headers.authorization === undefined,
      times: 99,
      fault: { type: "answer", status: 401, headers: { "www-authenticate": challenge } },
    });
    return { registry, ref, manifest, seen };
  }

  test("on another host are asked with the login; where they redirect to, without", async (t) => {
    const { registry, ref, manifest, seen } = await elsewhere(t, (request, response) => {
      if (request.method === "POST") return void response.writeHead(404).end();
      const { search } = new URL(request.url ?? "", "http://x");
      response.writeHead(302, { location: `http://${registry.host}/token${search}` }).end();
    });
    // What the real one gives to nobody in particular opens nothing; then it is asked itself, as the registry says by then.
    assert.deepEqual(await client(t, { credentials: login }).resolve(ref, { signal }), manifest);
    assert.match(seen.at(-1) ?? "", /^Basic /);
    const asked = registry.requests.filter(({ path }) => path.startsWith("/token"));
    assert.equal(asked[0]?.method, "GET");
    assert.equal(asked[0]?.headers.authorization, undefined);
  });

  test("that are busy are asked again, and waited for as long as they say", async (t) => {
    let asked = 0;
    const { registry, ref, manifest } = await elsewhere(t, (request, response) => {
      asked++;
      if (asked === 1) return void response.writeHead(503).end();
      if (asked === 2) return void response.writeHead(429, { "retry-after": "0" }).end();
      if (asked === 3) return void request.socket.destroy();
      void fetch(`http://${registry.host}${request.url}`, {
        headers: { authorization: request.headers.authorization ?? "" },
        ...(request.method === "POST" ? { method: "POST" } : {}),
      }).then(async (answer) => response.writeHead(answer.status).end(await answer.text()));
    });
    assert.deepEqual(await client(t, { credentials: login }).resolve(ref, { signal }), manifest);
  });

  test("that stay busy, or redirect in circles, are the error, soon", async (t) => {
    for (const [status, headers, message] of [
      [503, {}, /failed to fetch oauth token: .*503 Service Unavailable/],
      [302, { location: "/token" }, /failed to fetch oauth token: .*302 Found/],
    ] as const) {
      const { ref, seen } = await elsewhere(t, (_, response) => void response.writeHead(status, headers).end());
      await assert.rejects(client(t, { credentials: login }).resolve(ref, { signal }), { message });
      assert.ok(seen.length <= 30, `${seen.length} requests`);
    }
  });
});
