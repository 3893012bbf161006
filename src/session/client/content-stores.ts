import { BuildError } from "../../base/errors/mod.ts";
import type { BlobReader, ContentStore } from "../../content/mod.ts";
import type { HandlerContext } from "../../rpc/mod.ts";
import { blobRoutes } from "../content/blob-routes.ts";
import { storeIdKey } from "../content/store-id.ts";
import type { Attachable } from "./attachable.ts";

/**
 * Lets the engine read blobs of this machine, for instance those of OCI layouts that builds use as images, and write some.
 * @param stores by the id that the engine asks with, for an OCI layout `oci:<name>`, for a cache `local:<directory>`
 * @param writable those of them that it may write to
 */
export function contentStores(
  stores: Readonly<Record<string, BlobReader>>,
  writable: Readonly<Record<string, ContentStore>> = {},
): Attachable {
  const find = <S extends BlobReader>(all: Readonly<Record<string, S>>, { requestHeaders }: HandlerContext): S => {
    const id = requestHeaders.get(storeIdKey);
    if (id === undefined) throw new BuildError("invalid_argument", `${storeIdKey} is missing`);
    const store = Object.hasOwn(all, id) ? all[id] : undefined;
    if (!store) throw new BuildError("not_found", `unknown store ${id}`);
    return store;
  };
  return {
    routes: blobRoutes(
      (call) => [find<BlobReader>({ ...stores, ...writable }, call)],
      (call) => find(writable, call),
    ),
  };
}
