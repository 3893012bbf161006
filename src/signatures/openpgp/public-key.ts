import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { ByteReader } from "../byte-reader.ts";
import { readInteger } from "./packets.ts";

/** A public key, or the public half of a secret one. */
export interface PublicKey {
  /** In capital hex. */
  readonly fingerprint: string;
  /** Last 16 digits of {@link fingerprint}. */
  readonly keyId: string;
  readonly createdSec: number;
  /** What the key itself is hashed as, when it is signed. */
  readonly hashed: Uint8Array;
  /** `undefined`: an algorithm that is not known here. */
  readonly key: VerifyingKey | undefined;
}

/** A key that can check signatures. */
export type VerifyingKey =
  | { readonly type: "rsa"; readonly object: KeyObject; readonly bits: number }
  | { readonly type: "ecdsa"; readonly object: KeyObject; readonly size: number }
  | { readonly type: "eddsa"; readonly object: KeyObject };

/** Curves by the hex of their object identifiers; sizes in bytes of a coordinate. */
const curves: Readonly<Record<string, { readonly name: string; readonly size: number }>> = {
  "2a8648ce3d030107": { name: "P-256", size: 32 },
  "2b81040022": { name: "P-384", size: 48 },
  "2b81040023": { name: "P-521", size: 66 },
};
const ed25519 = "2b06010401da470f01";

/**
 * Reads a key packet of version 4; `undefined` for other versions.
 * @throws {BuildError} `invalid_argument` for what is cut off
 * @see RFC 9580, section 5.5
 */
export function readPublicKey(body: Uint8Array): PublicKey | undefined {
  const reader = new ByteReader(body, "OpenPGP key");
  if (reader.uint8() !== 4) return undefined;
  const createdSec = reader.uint32();
  const key = readMaterial(reader.uint8(), reader);
  // Behind the public half of a secret key stands the secret one.
  const half = body.subarray(0, body.byteLength - reader.left);
  const length = Buffer.alloc(3);
  length.writeUInt8(0x99);
  length.writeUInt16BE(half.byteLength, 1);
  const hashed = Buffer.concat([length, half]);
  const fingerprint = createHash("sha1").update(hashed).digest("hex").toUpperCase();
  return { fingerprint, keyId: fingerprint.slice(-16), createdSec, hashed, key };
}

function readMaterial(algorithm: number, reader: ByteReader): VerifyingKey | undefined {
  switch (algorithm) {
    case 1:
    case 3: {
      const n = readInteger(reader);
      const e = readInteger(reader);
      const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
      const object = imported({ kty: "RSA", n: n.toString("base64url"), e: e.toString("base64url") });
      return object && { type: "rsa", object, bits };
    }
    case 19: {
      const curve = curves[readOid(reader)];
      const point = readInteger(reader);
      if (!curve || point[0] !== 4 || point.length !== 1 + 2 * curve.size) return undefined;
      const x = point.subarray(1, 1 + curve.size).toString("base64url");
      const y = point.subarray(1 + curve.size).toString("base64url");
      const object = imported({ kty: "EC", crv: curve.name, x, y });
      return object && { type: "ecdsa", object, size: curve.size };
    }
    case 22: {
      const oid = readOid(reader);
      const point = readInteger(reader);
      if (oid !== ed25519 || point[0] !== 0x40 || point.length !== 33) return undefined;
      const object = imported({ kty: "OKP", crv: "Ed25519", x: point.subarray(1).toString("base64url") });
      return object && { type: "eddsa", object };
    }
    default:
      reader.rest();
      return undefined;
  }
}

function readOid(reader: ByteReader): string {
  return reader.take(reader.uint8()).toString("hex");
}

/** `undefined` for a point that is on no curve, and the like. */
function imported(key: Readonly<Record<string, string>>): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...key }, format: "jwk" });
  } catch {
    return undefined;
  }
}
