import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { wireNumber, wireString } from "./wire.ts";

/** A private key as an agent uses it. */
export interface SigningKey {
  /** The public half, in SSH's encoding. */
  readonly publicBlob: Buffer;
  /** For people. */
  readonly comment: string;
  /** A signature in SSH's encoding. `flags` are those of the agent protocol: which hash an RSA key is to use. */
  sign(data: Uint8Array, flags: number): Buffer;
}

const curves: Readonly<Record<string, { readonly name: string; readonly hash: string }>> = {
  "P-256": { name: "nistp256", hash: "sha256" },
  "P-384": { name: "nistp384", hash: "sha384" },
  "P-521": { name: "nistp521", hash: "sha512" },
};

/** @throws {Error} for an elliptic curve that SSH does not know */
export function signingKey(key: KeyObject, comment: string): SigningKey {
  const jwk = createPublicKey(key).export({ format: "jwk" });
  const part = (name: "x" | "y" | "n" | "e") => Buffer.from(jwk[name] ?? "", "base64url");
  if (key.asymmetricKeyType === "ed25519") {
    const publicBlob = Buffer.concat([wireString("ssh-ed25519"), wireString(part("x"))]);
    return { publicBlob, comment, sign: (data) => signature("ssh-ed25519", sign(null, data, key)) };
  }
  if (key.asymmetricKeyType === "rsa") {
    const publicBlob = Buffer.concat([wireString("ssh-rsa"), wireNumber(part("e")), wireNumber(part("n"))]);
    const signRsa: SigningKey["sign"] = (data, flags) => {
      const [name, hash] =
        (flags & 4) !== 0
          ? ["rsa-sha2-512", "sha512"]
          : (flags & 2) !== 0
            ? ["rsa-sha2-256", "sha256"]
            : ["ssh-rsa", "sha1"];
      return signature(name as string, sign(hash, data, key));
    };
    return { publicBlob, comment, sign: signRsa };
  }
  const curve = curves[jwk.crv ?? ""];
  if (!curve) throw new Error(`keys on the curve ${jwk.crv} are not supported`);
  const type = `ecdsa-sha2-${curve.name}`;
  const point = Buffer.concat([Buffer.from([4]), part("x"), part("y")]);
  const publicBlob = Buffer.concat([wireString(type), wireString(curve.name), wireString(point)]);
  return {
    publicBlob,
    comment,
    sign: (data) => {
      const pair = sign(curve.hash, data, { key, dsaEncoding: "ieee-p1363" });
      const half = pair.byteLength / 2;
      return signature(type, Buffer.concat([wireNumber(pair.subarray(0, half)), wireNumber(pair.subarray(half))]));
    },
  };
}

const signature = (type: string, bytes: Uint8Array) => Buffer.concat([wireString(type), wireString(bytes)]);
