import { BuildError } from "../../base/errors/mod.ts";
import { decodeArmor } from "./armor.ts";
import { type Packet, packetTags, readPackets } from "./packets.ts";
import { type PublicKey, readPublicKey } from "./public-key.ts";
import { isSignedBy, readSignature, type Signature, signatureTypes } from "./signature.ts";

/** A key that may have made signatures on data, with all that its owner says of it. */
export interface SigningKey {
  readonly key: PublicKey;
  readonly primary: PublicKey;
  /** When it stops to hold, in seconds since the epoch; `undefined`: never. */
  readonly expiresSec: number | undefined;
  /** When the primary key does. */
  readonly primaryExpiresSec: number | undefined;
  /** Why it was revoked, or its primary key; `undefined`: it was not. */
  readonly revoked: string | undefined;
}

const signFlag = 0x02;

/**
 * The keys in armored blocks that may sign data. What a key says of itself counts only where it has signed that.
 * @throws {BuildError} `invalid_argument` when there is no key at all
 */
export async function readKeyRing(armored: string): Promise<readonly SigningKey[]> {
  const blocks = decodeArmor(armored);
  if (blocks.length === 0) {
    throw new BuildError("invalid_argument", "failed to read armored public key: no armored data found");
  }
  const keys: SigningKey[] = [];
  for (const { type, body } of blocks) {
    if (type !== "PGP PUBLIC KEY BLOCK" && type !== "PGP PRIVATE KEY BLOCK") {
      throw new BuildError("invalid_argument", `expected public or private key block, got: ${type}`);
    }
    for (const packets of entities(readPackets(body))) keys.push(...(await signingKeys(packets)));
  }
  return keys;
}

/** Each primary key with what follows it. */
function entities(packets: readonly Packet[]): readonly (readonly Packet[])[] {
  const found: Packet[][] = [];
  for (const packet of packets) {
    if (packet.tag === packetTags.publicKey || packet.tag === packetTags.secretKey) found.push([packet]);
    else found.at(-1)?.push(packet);
  }
  return found;
}

/** What was said, latest last, of one key, identity or subkey. */
interface Statements {
  readonly subject: "primary" | "identity" | "subkey";
  readonly subkey: PublicKey | undefined;
  readonly signed: Uint8Array[];
  readonly signatures: Signature[];
}

async function signingKeys([first, ...rest]: readonly Packet[]): Promise<readonly SigningKey[]> {
  const primary = first && readPublicKey(first.body);
  if (!primary) return [];
  const statements = group(primary, rest);
  const self: Signature[] = [];
  const keys: SigningKey[] = [];
  let revoked: string | undefined;
  for (const { subject, signed, signatures } of statements) {
    if (subject === "subkey") continue;
    for (const signature of signatures) {
      if (!(await isSignedBy(primary, signature, signed))) continue;
      if (signature.type === signatureTypes.keyRevocation) revoked ??= reasonOf(signature);
      else self.push(signature);
    }
  }
  const own = latest(self.filter(({ isPrimary }) => isPrimary)) ?? latest(self);
  if (!own) return []; // nobody says that it is anybody's
  const primaryExpiresSec = expiry(primary, own);
  if (((own.keyFlags ?? 0) & signFlag) !== 0) {
    keys.push({ key: primary, primary, expiresSec: primaryExpiresSec, primaryExpiresSec, revoked });
  }
  for (const { subkey, signed, signatures } of statements) {
    if (!subkey) continue;
    const bindings: Signature[] = [];
    let withdrawn = revoked;
    for (const signature of signatures) {
      if (!(await isSignedBy(primary, signature, signed))) continue;
      if (signature.type === signatureTypes.subkeyRevocation) withdrawn ??= reasonOf(signature);
      else if (await mayBind(signature, subkey, signed)) bindings.push(signature);
    }
    const binding = latest(bindings);
    if (!binding || ((binding.keyFlags ?? 0) & signFlag) === 0) continue;
    keys.push({ key: subkey, primary, expiresSec: expiry(subkey, binding), primaryExpiresSec, revoked: withdrawn });
  }
  return keys;
}

/** A subkey that may sign must agree to belong to that key: else anybody could claim it. */
async function mayBind(signature: Signature, subkey: PublicKey, signed: readonly Uint8Array[]): Promise<boolean> {
  if (signature.type !== signatureTypes.subkeyBinding) return false;
  for (const consent of signature.embedded) {
    if (consent.type === signatureTypes.primaryBinding && (await isSignedBy(subkey, consent, signed))) return true;
  }
  return false;
}

function group(primary: PublicKey, packets: readonly Packet[]): readonly Statements[] {
  const all: Statements[] = [{ subject: "primary", subkey: undefined, signed: [primary.hashed], signatures: [] }];
  for (const { tag, body } of packets) {
    if (tag === packetTags.userId || tag === packetTags.userAttribute) {
      const head = Buffer.alloc(5);
      head.writeUInt8(tag === packetTags.userId ? 0xb4 : 0xd1);
      head.writeUInt32BE(body.byteLength, 1);
      all.push({ subject: "identity", subkey: undefined, signed: [primary.hashed, head, body], signatures: [] });
    } else if (tag === packetTags.publicSubkey || tag === packetTags.secretSubkey) {
      const subkey = readPublicKey(body);
      const signed = subkey ? [primary.hashed, subkey.hashed] : [];
      all.push({ subject: "subkey", subkey, signed, signatures: [] });
    } else if (tag === packetTags.signature) {
      const signature = readSignature(body);
      const last = all.at(-1);
      if (signature && last && fits(last.subject, signature.type)) last.signatures.push(signature);
    }
  }
  return all;
}

function fits(subject: Statements["subject"], type: number): boolean {
  if (subject === "primary") return type === signatureTypes.direct || type === signatureTypes.keyRevocation;
  if (subject === "subkey") return type === signatureTypes.subkeyBinding || type === signatureTypes.subkeyRevocation;
  return signatureTypes.certifications.some((certification) => certification === type);
}

function latest(signatures: readonly Signature[]): Signature | undefined {
  return signatures.reduce<Signature | undefined>(
    (last, next) => (last && last.createdSec > next.createdSec ? last : next),
    undefined,
  );
}

function expiry({ createdSec }: PublicKey, { keyLifetimeSec }: Signature): number | undefined {
  return keyLifetimeSec === 0 ? undefined : createdSec + keyLifetimeSec;
}

function reasonOf({ reason }: Signature): string {
  return reason === "" ? "key revoked" : `key revoked: ${reason}`;
}
