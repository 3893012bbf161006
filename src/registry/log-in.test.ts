import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { logIn } from "./mod.ts";
import { startTestRegistry, type TestRegistryOptions } from "./testing/mod.ts";

const { signal } = new AbortController();
const users = { me: "secret" };
const right = { username: "me", password: "secret" };
const wrong = { username: "me", password: "other" };

async function host(t: TestContext, options: TestRegistryOptions): Promise<string> {
  const server = await startTestRegistry(options);
  t.after(() => server[Symbol.asyncDispose]());
  return server.host;
}

test("logIn() knows basic authentication, and says what the registry said", async (t) => {
  const name = await host(t, { auth: { type: "basic", users } });
  assert.deepEqual(await logIn(name, right, { env: {}, signal }), {});
  await assert.rejects(logIn(name, wrong, { env: {}, signal }), {
    code: "unauthenticated",
    message: new RegExp(`^login attempt to http://${name}/v2/ failed with status: 401 Unauthorized: `),
  });
});

test("logIn() asks token servers, and takes the token to keep in place of the password", async (t) => {
  const plain = await host(t, { auth: { type: "bearer", users } });
  assert.deepEqual(await logIn(plain, right, { env: {}, signal }), {});
  await assert.rejects(logIn(plain, wrong, { env: {}, signal }), { code: "unauthenticated", message: /401/ });
  const giving = await host(t, { auth: { type: "bearer", users, identityTokens: { "refresh-me": "me" } } });
  assert.deepEqual(await logIn(giving, right, { env: {}, signal }), { identityToken: "refresh-me" });
});

test("logIn() takes a registry that asks nobody", async (t) => {
  assert.deepEqual(await logIn(await host(t, {}), right, { env: {}, signal }), {});
});
