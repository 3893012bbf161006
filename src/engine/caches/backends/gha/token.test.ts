import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenScopes } from "./token.ts";

const now = new Date("2026-01-01T00:00:00Z");
const seconds = now.getTime() / 1000;
const token = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
const valid = { nbf: seconds - 60, exp: seconds + 60 };

test("tokenScopes() says what a job may read and write", () => {
  const ac = JSON.stringify([
    { Scope: "refs/heads/branch", Permission: 3 },
    { Scope: "refs/heads/main", Permission: 1 },
  ]);
  assert.deepEqual(tokenScopes(token({ ...valid, ac }), now), [
    { scope: "refs/heads/branch", canWrite: true },
    { scope: "refs/heads/main", canWrite: false },
  ]);
});

test("tokenScopes() refuses what is no token of a job, or no longer", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["secret", /^token contains an invalid number of segments$/],
    ["a.b.c", /^token is malformed$/],
    [token({ ...valid }), /^invalid token without access controls$/],
    [token({ ac: "[]", nbf: 1 }), /^invalid token without expiration time$/],
    [token({ ac: "[]", nbf: 1, exp: 2 }), /^cache token expired at 1970-01-01T00:00:02/],
    [token({ ...valid, ac: "[]", nbf: seconds + 1 }), /^invalid token with future issue time/],
    [token({ ...valid, ac: "{}" }), /^failed to parse token access controls: no list$/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => tokenScopes(text, now), { code: "unauthenticated", message });
  }
});
