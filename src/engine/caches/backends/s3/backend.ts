import { homedir } from "node:os";
import { findAwsCredentials } from "../../../../aws/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import type { Digest } from "../../../../oci/mod.ts";
import type { BlobPlace, CacheAttributes, CacheBackend, CacheContext } from "../../backend.ts";
import { cacheConfigLimitBytes } from "../../config/cache-config.ts";
import { annotatedCache, importName, writeAnnotatedCache } from "../../objects/annotated-cache.ts";
import { inContext } from "../../objects/service-http.ts";
import { S3Bucket } from "./bucket.ts";
import { type S3Settings, s3Settings } from "./settings.ts";

/** `type=s3`: objects in a bucket of Amazon's S3, or of what speaks its protocol. */
export const s3Backend: CacheBackend = {
  type: "s3",
  importer: (attributes) => ({
    name: importName("s3", attributes),
    open: async (context) => {
      const { bucket, settings } = await openBucket(attributes, context);
      const { signal, isClientThere } = context;
      const limitBytes = cacheConfigLimitBytes;
      const list = await bucket.readAll(settings.listPrefix + settings.names[0], { signal, limitBytes });
      if (!list) return [];
      const place: BlobPlace = {
        isReachable: isClientThere,
        has: async ({ digest }, options) => (await bucket.find(settings.blobPrefix + digest, options)) !== undefined,
        fetch: ({ digest, size }, options) =>
          bucket.read(settings.blobPrefix + digest, { ...options, sizeBytes: size }),
      };
      return [annotatedCache(list, place)];
    },
  }),
  exporter: (attributes, env) => {
    s3Settings(attributes, env);
    return {
      title: "exporting cache to Amazon S3",
      export: async (cache, context) => {
        const { bucket, settings } = await openBucket(attributes, context);
        const keyOf = (digest: Digest) => settings.blobPrefix + digest;
        await writeAnnotatedCache(
          cache,
          { ...context, atOnce: settings.uploadsAtOnce },
          async ({ descriptor: { digest, size }, open }, { signal, writing }) => {
            const key = keyOf(digest);
            const known = await bucket.find(key, { signal }).catch(inContext("failed to check file presence in cache"));
            if (!known) {
              const write = () => bucket.write(key, open({ signal, lend: true }), { signal, sizeBytes: size });
              await writing(() => write().catch(inContext("error writing layer blob")));
            } else if (Date.now() - known.modified.getTime() > settings.touchAfterMs) {
              await bucket.touch(key, known, { signal }).catch(inContext("failed to touch file"));
            }
          },
          async (list) => {
            for (const name of settings.names) {
              const key = settings.listPrefix + name;
              await bucket.writeAll(key, list, context).catch(inContext(`error writing manifest: ${name}`));
            }
          },
        );
        return {};
      },
    };
  },
};

async function openBucket(
  attributes: CacheAttributes,
  context: CacheContext,
): Promise<{ readonly bucket: S3Bucket; readonly settings: S3Settings }> {
  const settings = s3Settings(attributes, context.env);
  const credentials = settings.credentials ?? (await findAwsCredentials({ env: context.env, home: homedir() }));
  if (!credentials) {
    throw new BuildError(
      "unauthenticated",
      "no AWS credentials for s3 cache: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, " +
        "or give access_key_id and secret_access_key",
    );
  }
  return { bucket: new S3Bucket(settings, credentials, context), settings };
}
