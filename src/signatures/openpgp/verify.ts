import { BuildError } from "../../base/errors/mod.ts";
import { decodeArmor } from "./armor.ts";
import { readKeyRing, type SigningKey } from "./key-ring.ts";
import { packetTags, readPackets } from "./packets.ts";
import { isSignedBy, readSignature, type Signature, signatureTypes } from "./signature.ts";

/** What {@link verifyOpenPgp} goes by. */
export interface OpenPgpOptions {
  /** Armored, detached. */
  readonly signature: string;
  /** Armored public keys that are trusted, one block or several. */
  readonly keys: string;
  readonly now: Date;
  /** A key that has expired since it signed does not count any more. */
  readonly rejectExpired?: boolean;
}

/** How far a signature's clock may be ahead. */
const clockSkewSec = 300;
const minRsaBits = 2048;

/**
 * Checks that one of the keys has signed the data: with RSA, ECDSA on a NIST curve or Ed25519, and with SHA-2.
 * @param open gives the data, each time from its beginning
 * @throws {BuildError} `failed_precondition` when it has not; `invalid_argument` when the signature or the keys are none
 */
export async function verifyOpenPgp(
  open: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: OpenPgpOptions,
): Promise<void> {
  const signatures = readSignatures(options.signature);
  const keys = await readKeyRing(options.keys);
  const nowSec = Math.floor(options.now.getTime() / 1000);
  let failure = refused("signature made by unknown entity");
  for (const signature of signatures) {
    for (const candidate of keys.filter(({ key }) => key.keyId === signature.issuer)) {
      const data = signature.type === signatureTypes.text ? canonicalText(open()) : open();
      if (await isSignedBy(candidate.key, signature, data)) {
        checkUsable(candidate, signature, options.rejectExpired ? nowSec : signature.createdSec);
        if (signature.createdSec > nowSec + clockSkewSec) throw refused("signature creation time is in the future");
        return;
      }
      failure = refused(`signature by ${candidate.key.keyId}: invalid signature`);
    }
  }
  throw failure;
}

function readSignatures(armored: string): readonly Signature[] {
  const block = decodeArmor(armored).find(({ type }) => type === "PGP SIGNATURE");
  if (!block) throw new BuildError("invalid_argument", "failed to decode armored signature: no armored data found");
  const all = readPackets(block.body).flatMap(({ tag, body }) =>
    tag === packetTags.signature ? (readSignature(body) ?? []) : [],
  );
  const signatures = all.filter(({ type }) => type === signatureTypes.binary || type === signatureTypes.text);
  if (signatures.length === 0) throw new BuildError("invalid_argument", "no signature packet found");
  const strong = signatures.filter(({ hash }) => hash !== undefined);
  if (strong.length === 0) throw refused("rejecting weak or unknown hash of the signature");
  return strong;
}

/** @param atSec the moment at which everything must hold */
function checkUsable(candidate: SigningKey, signature: Signature, atSec: number): void {
  const { key, primary, expiresSec, primaryExpiresSec, revoked } = candidate;
  if (revoked !== undefined) throw refused(revoked);
  if (signature.lifetimeSec > 0 && atSec > signature.createdSec + signature.lifetimeSec) {
    throw refused("signature expired");
  }
  if (signature.createdSec < key.createdSec) throw refused("signature is older than its key");
  const expiry = Math.min(expiresSec ?? Number.POSITIVE_INFINITY, primaryExpiresSec ?? Number.POSITIVE_INFINITY);
  if (atSec > expiry) throw refused(`key expired at ${new Date(expiry * 1000).toISOString()}`);
  for (const { key: material } of [key, primary]) {
    if (material?.type === "rsa" && material.bits < minRsaBits)
      throw refused(`RSA key too short: ${material.bits} bits`);
  }
}

/** Lines of text end in CR and LF when they are signed as text. */
async function* canonicalText(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let last = 0;
  for await (const chunk of chunks) {
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte === 0x0a && last !== 0x0d) out.push(0x0d);
      out.push(byte);
      last = byte;
    }
    yield Uint8Array.from(out);
  }
}

function refused(message: string): BuildError {
  return new BuildError("failed_precondition", message);
}
