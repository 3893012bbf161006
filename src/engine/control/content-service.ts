import type { BlobReader } from "../../content/mod.ts";
import type { Route } from "../../rpc/mod.ts";
import { blobRoutes } from "../../session/mod.ts";

/** Containerd's Content service, to read from: what build records name, and blobs of images. The first of the `stores` that has a blob gives it. */
export function contentService(stores: readonly BlobReader[]): readonly Route[] {
  return blobRoutes(() => stores);
}
