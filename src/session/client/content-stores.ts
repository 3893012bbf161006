import { BuildError } from "../../base/errors/mod.ts";
import type { BlobReader } from "../../content/mod.ts";
import { blobRoutes } from "../content/blob-routes.ts";
import { storeIdKey } from "../content/store-id.ts";
import type { Attachable } from "./attachable.ts";

/**
 * Lets the engine read blobs of this machine, for instance those of OCI layouts that builds use as images.
 * @param stores by the id that the engine asks with, for an OCI layout `oci:<name>`
 */
export function contentStores(stores: Readonly<Record<string, BlobReader>>): Attachable {
  return {
    routes: blobRoutes(({ requestHeaders }) => {
      const id = requestHeaders.get(storeIdKey);
      if (id === undefined) throw new BuildError("invalid_argument", `${storeIdKey} is missing`);
      const store = Object.hasOwn(stores, id) ? stores[id] : undefined;
      if (!store) throw new BuildError("not_found", `unknown store ${id}`);
      return [store];
    }),
  };
}
