import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import {
  bitString,
  explicit,
  objectIdentifier,
  readElements,
  sequence,
  set,
  time,
  unsignedInteger,
  utf8String,
} from "./der.ts";
import { extensions, type Purpose } from "./extensions.ts";

/** A certificate and its private key, PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate shall say. */
export interface CertificateRequest {
  readonly purpose: Purpose;
  readonly commonName: string;
  /** DNS names and IP addresses that it stands for. */
  readonly names?: readonly string[];
  readonly from: Date;
  readonly until: Date;
}

const ecdsaWithSha256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));

/** An authority that certificates can be issued by. */
export interface Authority extends KeyPair {
  /** Makes a key (ECDSA, P-256) and a certificate for it, signed by this authority. */
  issue(request: CertificateRequest): KeyPair;
}

/** Makes an authority: a key, and a certificate that it signs itself. */
export function createAuthority(request: Omit<CertificateRequest, "purpose" | "names">): Authority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = nameOf(request.commonName);
  const keyId = keyIdOf(keys.publicKey);
  const issuer: Issuer = { subject, keyId, key: keys.privateKey };
  const cert = certificate({ ...request, purpose: "authority" }, { subject, publicKey: keys.publicKey, issuer });
  return withIssue({ cert, key: pemOfKey(keys.privateKey) }, issuer);
}

/**
 * An authority that was made before.
 * @throws {Error} when the two do not belong together, or are no authority's
 */
export function loadAuthority(pair: KeyPair): Authority {
  const cert = new X509Certificate(pair.cert);
  const key = createPrivateKey(pair.key);
  if (!cert.ca) throw new Error("the certificate is not one of an authority");
  if (!cert.checkPrivateKey(key)) throw new Error("the private key does not belong to the certificate");
  if (key.asymmetricKeyType !== "ec") throw new Error("the private key is not an elliptic-curve key");
  const keyId = keyIdOf(cert.publicKey);
  // Other tools may count key identifiers in other ways; then none is named.
  const issuer: Issuer = { subject: subjectOf(cert), keyId: cert.raw.includes(keyId) ? keyId : undefined, key };
  return withIssue(pair, issuer);
}

interface Issuer {
  /** Encoded. */
  readonly subject: Uint8Array;
  readonly keyId: Buffer | undefined;
  readonly key: KeyObject;
}

function withIssue(pair: KeyPair, issuer: Issuer): Authority {
  return {
    ...pair,
    issue: (request) => {
      const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const subject = nameOf(request.commonName);
      return {
        cert: certificate(request, { subject, publicKey: keys.publicKey, issuer }),
        key: pemOfKey(keys.privateKey),
      };
    },
  };
}

/** @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1 */
function certificate(
  request: CertificateRequest,
  parts: { subject: Uint8Array; publicKey: KeyObject; issuer: Issuer },
): string {
  const { subject, publicKey, issuer } = parts;
  const signed = sequence(
    explicit(0, unsignedInteger(Uint8Array.of(2))), // version 3
    unsignedInteger(randomBytes(16)),
    ecdsaWithSha256,
    issuer.subject,
    sequence(time(request.from), time(request.until)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    explicit(
      3,
      extensions({
        purpose: request.purpose,
        names: request.names ?? [],
        keyId: keyIdOf(publicKey),
        issuerKeyId: issuer.keyId,
      }),
    ),
  );
  const signature = sign("sha256", signed, issuer.key);
  const lines = Buffer.from(sequence(signed, ecdsaWithSha256, bitString(signature)))
    .toString("base64")
    .match(/.{1,64}/g);
  return `-----BEGIN CERTIFICATE-----\n${lines?.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function nameOf(commonName: string): Uint8Array {
  return sequence(set(sequence(objectIdentifier("2.5.4.3"), utf8String(commonName))));
}

/** The subject as it is encoded: an issuer's name must be repeated byte for byte. */
function subjectOf(cert: X509Certificate): Uint8Array {
  const [outer] = readElements(cert.raw);
  const [signed] = readElements(outer?.content ?? new Uint8Array());
  const subject = [...readElements(signed?.content ?? new Uint8Array())][5]; // version, serial, algorithm, issuer, validity
  if (!subject) throw new Error("Internal error: a certificate without a subject");
  return subject.whole;
}

/** SHA-1 of the public key's bits, the usual way to name a key (RFC 5280, 4.2.1.2). */
function keyIdOf(key: KeyObject): Buffer {
  const spki = key.export({ type: "spki", format: "der" });
  const [outer] = readElements(spki);
  const [, bits] = readElements(outer?.content ?? new Uint8Array());
  return createHash("sha1")
    .update((bits?.content ?? new Uint8Array()).subarray(1))
    .digest();
}

function pemOfKey(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}
