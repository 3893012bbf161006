import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { collectBytes, describe, mediaTypes, parseReference } from "../oci/mod.ts";
import {
  anonymous,
  type Credentials,
  type Login,
  openRegistry,
  type Registry,
  type RegistryOptions,
  tokenFetcher,
  type TokenRequest,
} from "./mod.ts";
import {
  addImage,
  startTestRegistry,
  type TestAuth,
  type TestRegistry,
  type TestRegistryOptions,
} from "./testing/mod.ts";

const { signal } = new AbortController();
const bytes = Buffer.from("a blob");
const blob = describe(mediaTypes.ociLayer, bytes);
const users = { ann: "secret" };
const ann: Login = { username: "ann", password: "secret" };

function loggedIn(login: Login): Credentials & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    for: (host) => {
      asked.push(host);
      return Promise.resolve(login);
    },
  };
}

async function setup(
  t: TestContext,
  auth: TestAuth,
  options: Partial<RegistryOptions> = {},
  server: TestRegistryOptions = {},
): Promise<{ server: TestRegistry; registry: Registry }> {
  const started = await startTestRegistry({ ...server, auth });
  const registry = openRegistry({ credentials: anonymous, env: {}, retry: { baseDelayMs: 1 }, ...options });
  t.after(async () => {
    await registry.close();
    await started[Symbol.asyncDispose]();
  });
  addImage(started, "app", "1", {
    layers: [{ bytes, diffId: blob.digest, mediaType: blob.mediaType }],
    platform: { os: "linux", architecture: "amd64" },
  });
  return { server: started, registry };
}
const tokenRequests = (server: TestRegistry) => server.requests.filter(({ path }) => path.startsWith("/token"));

test("basic authentication logs in after the first 401, and then at once", async (t) => {
  const credentials = loggedIn(ann);
  const { server, registry } = await setup(t, { type: "basic", users }, { credentials });
  const ref = parseReference(`${server.host}/app:1`);
  await registry.resolve(ref, { signal });
  await registry.resolve(ref, { signal });
  assert.deepEqual(
    server.requests.map(({ headers }) => headers.authorization !== undefined),
    [false, true, true],
  );
  assert.deepEqual(credentials.asked, [server.host]);
});

test("without a login, the error says how to log in", async (t) => {
  const { server, registry } = await setup(t, { type: "basic", users });
  await assert.rejects(registry.resolve(parseReference(`${server.host}/app:1`), { signal }), {
    code: "unauthenticated",
    message: `unexpected status from GET request to http://${server.host}/v2/app/manifests/1: 401 Unauthorized: unauthorized: authentication required: not logged in to ${server.host}: run "docker login ${server.host}"`,
  });
});

test("with a wrong login, the error says so, and the password is in no message", async (t) => {
  const wrong = loggedIn({ username: "ann", password: "wr0ng" });
  for (const auth of [
    { type: "basic", users },
    { type: "bearer", users },
  ] as const) {
    const { server, registry } = await setup(t, auth, { credentials: wrong });
    await assert.rejects(
      registry.resolve(parseReference(`${server.host}/app:1`), { signal }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "unauthenticated");
        assert.match(
          error.message,
          new RegExp(
            `the stored login for ${server.host} was not accepted: run "docker login ${server.host}" to renew it$`,
          ),
        );
        assert.doesNotMatch(error.message, /wr0ng/);
        return true;
      },
    );
  }
});

for (const oauth of [true, false]) {
  test(`bearer tokens are fetched by ${oauth ? "OAuth2 POST" : "GET, where the server knows no POST"}, once per set of scopes`, async (t) => {
    const { server, registry } = await setup(t, { type: "bearer", users, oauth }, { credentials: loggedIn(ann) });
    const ref = parseReference(`${server.host}/app:1`);
    await Promise.all([registry.resolve(ref, { signal }), registry.hasBlob(ref, blob.digest, { signal })]);
    await collectBytes(registry.fetchBlob(ref, blob, { signal }), { limitBytes: 100 });
    assert.deepEqual(
      tokenRequests(server).map(({ method }) => method),
      oauth ? ["POST"] : ["POST", "GET"],
    );
    await registry.pushBlob(ref, describe("x", Buffer.from("y")), () => chunk("y"), { signal });
    assert.equal(tokenRequests(server).length, oauth ? 2 : 4);
  });
}
async function* chunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

test("identity tokens and ready-made registry tokens log in too", async (t) => {
  const auth: TestAuth = { type: "bearer", users, identityTokens: { refresh: "ann" } };
  const { server, registry } = await setup(t, auth, { credentials: loggedIn({ identityToken: "refresh" }) });
  await registry.resolve(parseReference(`${server.host}/app:1`), { signal });
  const ready = openRegistry({ credentials: loggedIn({ registryToken: "ready" }), env: {} });
  t.after(() => ready.close());
  await assert.rejects(ready.resolve(parseReference(`${server.host}/app:1`), { signal }));
  assert.equal(server.requests.at(-1)?.headers.authorization, "Bearer ready");
});

test("public repositories are read with an anonymous token, and pushing there is denied in Docker's words", async (t) => {
  const { server, registry } = await setup(t, { type: "bearer", users, publicPull: true });
  const ref = parseReference(`${server.host}/app:1`);
  await registry.resolve(ref, { signal });
  await assert.rejects(
    registry.pushBlob(ref, describe("x", Buffer.from("y")), () => chunk("y"), { signal }),
    {
      code: "permission_denied",
      message: `push access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed: not logged in to ${server.host}: run "docker login ${server.host}"`,
    },
  );
});

test("a login that may not says who may not what", async (t) => {
  const auth: TestAuth = { type: "bearer", users, allows: (_, __, action) => action === "pull" };
  const { server, registry } = await setup(t, auth, { credentials: loggedIn(ann) });
  const push = registry.pushBlob(parseReference(`${server.host}/new`), blob, () => chunk("a blob"), { signal });
  await assert.rejects(push, {
    code: "permission_denied",
    message: /^push access denied, .*: user "ann" may not push to "new" at 127.0.0.1:\d+, or it does not exist$/,
  });
});

test("a 403 carries the server's words", async (t) => {
  const { server, registry } = await setup(t, { type: "basic", users }, { credentials: loggedIn(ann) });
  const body = JSON.stringify({ errors: [{ code: "DENIED", message: "requested access to the resource is denied" }] });
  server.plan({ when: ({ method }) => method === "POST", fault: { type: "answer", status: 403, body } });
  const push = registry.pushBlob(parseReference(`${server.host}/new`), blob, () => chunk("a blob"), { signal });
  await assert.rejects(push, {
    code: "permission_denied",
    message: /403 Forbidden: denied: requested access to the resource is denied: user "ann" may not push to "new"/,
  });
});

test("a token that has ended is renewed in the middle of things", async (t) => {
  const { server, registry } = await setup(t, { type: "bearer", users }, { credentials: loggedIn(ann) });
  const ref = parseReference(`${server.host}/app:1`);
  await registry.resolve(ref, { signal });
  server.revokeTokens();
  await registry.resolve(ref, { signal });
  assert.equal(tokenRequests(server).length, 2);
});

test("a mount asks for a token for both repositories, and uploads when the other one is not ours to read", async (t) => {
  const auth: TestAuth = { type: "bearer", users, allows: (_, repository) => repository !== "hidden" };
  const { server, registry } = await setup(t, auth, { credentials: loggedIn(ann) });
  server.storage.addBlob("hidden", bytes);
  const push = (name: string, from: string) =>
    registry.pushBlob(parseReference(`${server.host}/${name}`), blob, () => chunk("a blob"), {
      signal,
      mountFrom: [`${server.host}/${from}`],
    });
  assert.equal(await push("new1", "app"), "mounted");
  assert.equal(await push("new2", "hidden"), "pushed");
});

test("a token fetcher is asked instead, so that the login stays where it is", async (t) => {
  const requests: TokenRequest[] = [];
  await using fetchToken = tokenFetcher({ credentials: loggedIn(ann), env: {} });
  const credentials: Credentials = { for: () => assert.fail("must not be asked") };
  const asking = {
    credentials,
    fetchToken: (request: TokenRequest, options: { signal: AbortSignal }) => (
      requests.push(request), fetchToken(request, options)
    ),
  };
  const { server, registry } = await setup(t, { type: "bearer", users }, asking);
  await registry.resolve(parseReference(`${server.host}/app:1`), { signal });
  assert.deepEqual(requests, [
    {
      host: server.host,
      realm: `http://${server.host}/token`,
      service: "test-service",
      scopes: ["repository:app:pull"],
    },
  ]);
});

test("blobs that are stored elsewhere are fetched from there without the login", async (t) => {
  const storage = await startTestRegistry();
  t.after(() => storage[Symbol.asyncDispose]());
  storage.storage.addBlob("app", bytes);
  const { server, registry } = await setup(
    t,
    { type: "basic", users },
    { credentials: loggedIn(ann) },
    { blobRedirect: `http://${storage.host}` },
  );
  const ref = parseReference(`${server.host}/app:1`);
  assert.deepEqual(
    Buffer.from(await collectBytes(registry.fetchBlob(ref, blob, { signal }), { limitBytes: 100 })),
    bytes,
  );
  assert.deepEqual(
    storage.requests.map(({ headers }) => headers.authorization),
    [undefined],
  );
});

test("logins are not sent unencrypted to a token server that an encrypted registry names", async (t) => {
  const elsewhere = { host: "r.example", realm: "http://evil.example/token", service: "s", scopes: [] };
  await using fetchToken = tokenFetcher({ credentials: loggedIn(ann), env: {} });
  await assert.rejects(fetchToken(elsewhere, { signal }), {
    code: "permission_denied",
    message: /unencrypted: refused/,
  });
  await assert.rejects(
    fetchToken({ ...elsewhere, realm: "file:///etc/passwd" }, { signal }),
    /names no usable token server/,
  );
  assert.ok(t);
});

test("a token server that talks nonsense is named", async (t) => {
  const { server, registry } = await setup(t, { type: "bearer", users }, { credentials: loggedIn(ann) });
  const answers: [string, RegExp][] = [
    ["hello", /failed to authorize: failed to fetch oauth token: http.*\/token answered something that is not JSON/],
    ["{}", /answered without a token/],
    ['{"token":"a\\r\\nX-Evil: 1"}', /answered without a token/],
  ];
  for (const [body, message] of answers) {
    server.plan({ when: ({ path }) => path.startsWith("/token"), fault: { type: "answer", status: 200, body } });
    await assert.rejects(registry.resolve(parseReference(`${server.host}/app:1`), { signal }), {
      code: "unauthenticated",
      message,
    });
  }
});
