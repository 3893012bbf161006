import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutSecrets } from "./without-secrets.ts";

test("withoutSecrets() leaves out who asks, and keeps where", () => {
  const s3 = { Type: "s3", Attrs: { bucket: "b", access_key_id: "A", secret_access_key: "S", session_token: "T" } };
  const gha = { Type: "gha", Attrs: { url: "https://cache", token: "T", ghtoken: "G" } };
  assert.deepEqual(withoutSecrets({ target: "t", "cache-imports": JSON.stringify([s3, gha]) }), {
    target: "t",
    "cache-imports": JSON.stringify([
      { Type: "s3", Attrs: { bucket: "b" } },
      { Type: "gha", Attrs: { url: "https://cache" } },
    ]),
  });
  assert.deepEqual(withoutSecrets({ "cache-imports": "no list" }), {});
  assert.deepEqual(withoutSecrets({ target: "t" }), { target: "t" });
});
