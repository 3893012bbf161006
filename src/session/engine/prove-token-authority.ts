import { randomBytes } from "node:crypto";
import { auth } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { isSignedBy, publicKeyOf, tokenAuthority } from "../token-authority.ts";
import type { SessionCaller } from "./session-caller.ts";

/**
 * Asks a client whose tokens for a registry it may use, and has it prove that.
 * @param options.salt of this engine, and of this run of it: clients' keys are good nowhere else
 * @returns the public key as hex: clients with the same one are the same user. `undefined`: nobody is logged in, and the key is anybody's
 * @throws {BuildError} `unimplemented` from a client that knows nothing of this, `unavailable` from one that is not to fetch tokens,
 * `unauthenticated` when the proof is none
 */
export async function proveTokenAuthority(
  caller: SessionCaller,
  host: string,
  { salt, signal }: { readonly salt: Uint8Array; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const client = caller.client(auth.Auth);
  const { PublicKey } = await client.getTokenAuthority({ Host: host, Salt: salt }, { signal });
  if (Buffer.from(publicKeyOf(tokenAuthority(salt, undefined))).equals(PublicKey)) return undefined;
  const payload = randomBytes(32);
  const { Signed } = await client.verifyTokenAuthority({ Host: host, Salt: salt, Payload: payload }, { signal });
  if (isSignedBy(PublicKey, Signed, payload)) return Buffer.from(PublicKey).toString("hex");
  throw new BuildError("unauthenticated", `the client could not prove whose tokens for ${host} it may use`);
}
