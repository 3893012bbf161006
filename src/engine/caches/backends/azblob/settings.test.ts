import assert from "node:assert/strict";
import { test } from "node:test";
import { azblobSettings, blobUrl } from "./settings.ts";

const account_url = "https://lab.blob.core.windows.net/";

test("azblobSettings() has BuildKit's defaults", () => {
  const settings = azblobSettings({ account_url }, {});
  assert.equal(settings.account, "lab");
  assert.equal(settings.key, undefined);
  assert.deepEqual(settings.names, ["buildkit"]);
  assert.equal(
    blobUrl(settings, settings.blobPrefix, "sha256:00").href,
    "https://lab.blob.core.windows.net/buildkit-cache/blobs/sha256:00",
  );
  assert.equal(
    blobUrl(settings, settings.listPrefix, "a b").href,
    "https://lab.blob.core.windows.net/buildkit-cache/manifests/a%20b",
  );
});

test("azblobSettings() takes what is not said from the engine's variables", () => {
  const settings = azblobSettings(
    { name: "a;b", prefix: "p/q" },
    {
      BUILDKIT_AZURE_STORAGE_ACCOUNT_URL: "http://127.0.0.1:10000/lab?sv=1&sig=x",
      BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME: "lab",
      BUILDKIT_AZURE_STORAGE_CONTAINER: "c",
      BUILDKIT_AZURE_STORAGE_PREFIX: "not this",
    },
  );
  assert.deepEqual(settings.names, ["a", "b"]);
  assert.equal(settings.account, "lab");
  assert.equal(blobUrl(settings, settings.blobPrefix, "x").href, "http://127.0.0.1:10000/lab/c/p/q/blobs/x?sv=1&sig=x");
});

test("azblobSettings() refuses what makes no sense", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{}, /account_url attribute is required for azblob cache$/],
    [{ account_url: "lab" }, /^azure storage account url provided is not a valid url: "lab"$/],
    [{ account_url, secret_access_key: "no base64!" }, /^failed to create shared key: secret_access_key is not base64/],
  ];
  for (const [attributes, message] of cases) {
    assert.throws(() => azblobSettings(attributes, {}), { code: "invalid_argument", message });
  }
});
