import assert from "node:assert/strict";
import { test } from "node:test";
import { s3Settings } from "./settings.ts";

const minimal = { bucket: "caches", region: "eu-west-1" };

test("s3Settings() finds where a bucket is", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{}, "https://caches.s3.eu-west-1.amazonaws.com/"],
    [{ region: "cn-north-1" }, "https://caches.s3.cn-north-1.amazonaws.com.cn/"],
    [{ bucket: "with.dots" }, "https://s3.eu-west-1.amazonaws.com/with.dots/"],
    [{ endpoint_url: "https://minio.example:9000" }, "https://caches.minio.example:9000/"],
    [
      { endpoint_url: "https://minio.example:9000/s3", use_path_style: "true" },
      "https://minio.example:9000/s3/caches/",
    ],
    [{ endpoint_url: "http://10.0.0.1:9000" }, "http://10.0.0.1:9000/caches/"],
    [{ endpoint_url: "http://[::1]:9000/" }, "http://[::1]:9000/caches/"],
  ];
  for (const [attributes, want] of cases) {
    assert.equal(s3Settings({ ...minimal, ...attributes }, {}).base.href, want);
  }
});

test("s3Settings() takes what is not said from the engine's variables, and BuildKit's defaults", () => {
  const settings = s3Settings({}, { AWS_BUCKET: "b-1", AWS_REGION: "r" });
  assert.equal(settings.base.href, "https://b-1.s3.r.amazonaws.com/");
  const { blobPrefix, listPrefix, names, touchAfterMs, uploadsAtOnce, attempts, isAdaptive } = settings;
  assert.deepEqual(
    { blobPrefix, listPrefix, names, touchAfterMs, uploadsAtOnce, attempts, isAdaptive },
    {
      blobPrefix: "blobs/",
      listPrefix: "manifests/",
      names: ["buildkit"],
      touchAfterMs: 24 * 3600_000,
      uploadsAtOnce: 4,
      attempts: 3,
      isAdaptive: false,
    },
  );
});

test("s3Settings() refuses what makes no sense", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ bucket: "" }, /^bucket \(\$AWS_BUCKET\) not set for s3 cache$/],
    [{ region: "" }, /^region \(\$AWS_REGION\) not set for s3 cache$/],
    [{ upload_parallelism: "0" }, /^upload_parallelism must be a positive integer$/],
    [{ retry_max_attempts: "x" }, /^retry_max_attempts must be a positive integer$/],
    [{ retry_mode: "legacy" }, /^retry_mode must be "standard" or "adaptive"$/],
    [{ touch_refresh: "1d" }, /^touch_refresh must be a duration like 24h, not "1d"$/],
    [{ use_path_style: "maybe" }, /^non-bool value specified for use_path_style: /],
    [{ endpoint_url: "minio:9000" }, /^endpoint_url must be an http or https URL, not "minio:9000"$/],
  ];
  for (const [attributes, message] of cases) {
    assert.throws(() => s3Settings({ ...minimal, ...attributes }, {}), { code: "invalid_argument", message });
  }
});
