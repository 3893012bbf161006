import { secrets } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { SessionCaller } from "./session-caller.ts";

/**
 * Asks a client for a secret.
 * @returns `undefined` when it has none of that id, or offers no secrets
 */
export async function getSecret(
  caller: SessionCaller,
  id: string,
  options: { readonly signal: AbortSignal },
): Promise<Uint8Array | undefined> {
  try {
    const { data } = await caller.client(secrets.Secrets).getSecret({ ID: id }, options);
    return data;
  } catch (error) {
    if (error instanceof BuildError && (error.code === "not_found" || error.code === "unimplemented")) return undefined;
    throw error;
  }
}
