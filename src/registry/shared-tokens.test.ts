import assert from "node:assert/strict";
import { test } from "node:test";
import { collectBytes, describe, mediaTypes, parseReference } from "../oci/mod.ts";
import { anonymous, openRegistry, type RegistryToken, SharedTokens, tokenFetcher, type TokenRequest } from "./mod.ts";
import { addImage, startTestRegistry } from "./testing/mod.ts";

const { signal } = new AbortController();
const request: TokenRequest = { host: "h", realm: "https://h/token", service: "s", scopes: ["a", "b"] };

/** Gives out one token after the other, as `made`. */
function mint(made: RegistryToken[]): () => Promise<RegistryToken | undefined> {
  return async () => {
    made.push({ token: `t${made.length}`, expiresInSeconds: 60 });
    return made.at(-1);
  };
}

test("a token serves its owner for as long as it is good, and nobody else", async () => {
  const tokens = new SharedTokens();
  const made: RegistryToken[] = [];
  const ask = async (owner: string, changes: Partial<TokenRequest> = {}) =>
    (await tokens.token(owner, { ...request, ...changes }, mint(made)))?.token;
  assert.equal(await ask("ann"), "t0");
  assert.equal(await ask("ann", { scopes: ["b", "a"] }), "t0");
  assert.equal(await ask("bob"), "t1");
  assert.equal(await ask("ann", { scopes: ["a"] }), "t2");
  assert.equal(await ask("ann", { realm: "https://evil/token" }), "t3");
  assert.equal(await ask("ann", { refused: "t0" }), "t4");
  assert.equal(await ask("ann"), "t4");
  const old = new Date(Date.now() - 55_000);
  const ending = async () => ({ token: "ending", expiresInSeconds: 60, issuedAt: old });
  await tokens.token("cid", request, ending);
  assert.equal(await ask("cid"), "t5");
});

test("of too many tokens the oldest go, and what could not be fetched is not kept", async () => {
  const tokens = new SharedTokens(2);
  const made: RegistryToken[] = [];
  for (const owner of ["a", "b", "c"]) await tokens.token(owner, request, mint(made));
  assert.equal((await tokens.token("b", request, mint(made)))?.token, "t1");
  assert.equal((await tokens.token("a", request, mint(made)))?.token, "t3");
  assert.equal(await tokens.token("d", request, async () => undefined), undefined);
  assert.equal((await tokens.token("d", request, mint(made)))?.token, "t4");
});

test("clients of one user share tokens, and get another when theirs is no longer taken", async (t) => {
  const users = { ann: "secret" };
  await using server = await startTestRegistry({ auth: { type: "bearer", users } });
  const bytes = Buffer.from("a blob");
  const blob = describe(mediaTypes.ociLayer, bytes);
  addImage(server, "app", "1", {
    layers: [{ bytes, diffId: blob.digest, mediaType: blob.mediaType }],
    platform: { os: "linux", architecture: "amd64" },
  });
  const credentials = { for: async () => ({ username: "ann", password: "secret" }) };
  await using fetch = tokenFetcher({ credentials, env: {} });
  const tokens = new SharedTokens();
  const pull = async () => {
    const registry = openRegistry({
      credentials: anonymous,
      env: {},
      fetchToken: (wanted, options) => tokens.token("ann", wanted, () => fetch(wanted, options)),
    });
    t.after(() => registry.close());
    const reference = parseReference(`${server.host}/app:1`);
    await collectBytes(registry.fetchBlob(reference, blob, { signal }), { limitBytes: 100 });
    return server.requests.filter(({ path }) => path.startsWith("/token")).length;
  };
  assert.equal(await pull(), 1);
  assert.equal(await pull(), 1);
  server.revokeTokens();
  assert.equal(await pull(), 2);
  assert.equal(await pull(), 2);
});
