import assert from "node:assert/strict";
import { test } from "node:test";
import { CloudCaches } from "./cloud-caches.ts";

const complete = async (
  type: string,
  attrs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
) => {
  const [entry] = await new CloudCaches({ HOME: "/nowhere", ...env }).complete([{ type, attrs }]);
  return entry?.attrs;
};
const token = "T";
const ACTIONS_RUNTIME_TOKEN = token;

test("a cache of GitHub's gets what its job knows, by the version of its API", async () => {
  const first = { ACTIONS_RUNTIME_TOKEN, ACTIONS_CACHE_URL: "https://one/", ACTIONS_RESULTS_URL: "https://two/" };
  const second = { ...first, ACTIONS_CACHE_SERVICE_V2: "True" };
  assert.deepEqual(await complete("gha", { scope: "s" }, first), { scope: "s", token, url: "https://one/" });
  const both = { token, url: "https://one/", url_v2: "https://two/" };
  assert.deepEqual(await complete("gha", {}, second), both);
  assert.deepEqual(await complete("gha", { version: "2" }, first), { version: "2", ...both });
  assert.deepEqual(await complete("gha", { version: "1" }, second), { version: "1", token, url: "https://one/" });
  assert.deepEqual(await complete("gha", {}, { ACTIONS_RUNTIME_TOKEN, ACTIONS_RESULTS_URL: "https://two/" }), {
    token,
    url: "https://two/",
  });
  assert.deepEqual(await complete("gha", { token: "mine", url: "https://mine" }, second), {
    token: "mine",
    url: "https://mine",
    url_v2: "https://two/",
  });
});

test("a cache of GitHub's is left out where there is no job", async () => {
  assert.equal(await complete("gha", { scope: "s" }, {}), undefined);
  assert.equal(await complete("gha", {}, { ACTIONS_RUNTIME_TOKEN }), undefined);
  assert.equal(await complete("gha", {}, { ACTIONS_CACHE_URL: "https://one/" }), undefined);
});

test("a cache in S3 gets credentials, unless it names its own", async () => {
  const env = { AWS_ACCESS_KEY_ID: "A", AWS_SECRET_ACCESS_KEY: "S", AWS_SESSION_TOKEN: "L", AWS_REGION: "r" };
  const lent = { access_key_id: "A", secret_access_key: "S", session_token: "L" };
  assert.deepEqual(await complete("s3", { bucket: "b" }, env), { bucket: "b", region: "r", ...lent });
  const own = { region: "q", access_key_id: "X", secret_access_key: "Y" };
  assert.deepEqual(await complete("s3", own, env), own);
  assert.deepEqual(await complete("s3", { region: "q" }, {}), { region: "q" });
});

test("other caches stay as they are", async () => {
  const env = { ACTIONS_RUNTIME_TOKEN, AWS_REGION: "r", BUILDKIT_AZURE_STORAGE_CONTAINER: "c" };
  assert.deepEqual(await complete("registry", { ref: "r" }, env), { ref: "r" });
  assert.deepEqual(await complete("azblob", { name: "n" }, env), { name: "n", container: "c" });
});
