import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";

/** What PKCS #8 puts before an Ed25519 key. */
const privateHeader = Buffer.from("302e020100300506032b657004220420", "hex");
/** What SubjectPublicKeyInfo puts before one. */
const publicHeader = Buffer.from("302a300506032b6570032100", "hex");
const publicBytes = 32;
const signatureBytes = 64;

/**
 * The Ed25519 key by which a client is known to an engine as the one whose tokens these are: of the engine's salt, and of a secret of the user's for a
 * registry that he is logged in to. Clients without a login share one key.
 */
export function tokenAuthority(salt: Uint8Array, seed: Uint8Array | undefined): KeyObject {
  const secret = createHmac("sha256", salt)
    .update(seed ?? "")
    .digest();
  return createPrivateKey({ key: Buffer.concat([privateHeader, secret]), format: "der", type: "pkcs8" });
}

/** The public half, 32 bytes. */
export function publicKeyOf(authority: KeyObject): Uint8Array {
  return createPublicKey(authority).export({ format: "der", type: "spki" }).subarray(-publicBytes);
}

/** A signature of 64 bytes, and then what was signed. */
export function signed(authority: KeyObject, payload: Uint8Array): Uint8Array {
  return Buffer.concat([sign(undefined, payload, authority), payload]);
}

/** Whether `message` is `payload` as {@link signed} by the owner of a public key. */
export function isSignedBy(publicKey: Uint8Array, message: Uint8Array, payload: Uint8Array): boolean {
  if (publicKey.length !== publicBytes || message.length !== signatureBytes + payload.length) return false;
  if (!timingSafeEqual(message.subarray(signatureBytes), payload)) return false;
  const key = createPublicKey({ key: Buffer.concat([publicHeader, publicKey]), format: "der", type: "spki" });
  return verify(undefined, payload, key, message.subarray(0, signatureBytes));
}
