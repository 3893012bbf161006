import { secrets as api } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { service } from "../../rpc/mod.ts";
import type { Attachable } from "./attachable.ts";

/** A secret may have so many bytes. */
export const maxSecretBytes = 500 * 1024;

/**
 * Offers secrets to the engine, one at a time and only when a step wants it.
 * @param read the value of that id; `undefined` when there is none
 */
export function secretProvider(read: (id: string) => Promise<Uint8Array | undefined>): Attachable {
  return {
    routes: service(api.Secrets, {
      getSecret: async ({ ID }) => {
        const data = await read(ID);
        if (!data) throw new BuildError("not_found", `secret ${ID}: not found`);
        if (data.byteLength > maxSecretBytes) {
          throw new BuildError("invalid_argument", `invalid secret size ${data.byteLength}`);
        }
        return { data };
      },
    }),
  };
}
