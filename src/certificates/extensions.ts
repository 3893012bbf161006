import { isIP } from "node:net";
import { bitString, boolean, element, implicit, objectIdentifier, octetString, sequence } from "./der.ts";

/** What a certificate is for. */
export type Purpose = "authority" | "server" | "client";

/**
 * The extensions of a certificate (RFC 5280, 4.2).
 * @param names DNS names and IP addresses that it stands for
 * @param keyId of its own key; `issuerKeyId` of the key that signs it, where known
 */
export function extensions(want: {
  purpose: Purpose;
  names: readonly string[];
  keyId: Uint8Array;
  issuerKeyId: Uint8Array | undefined;
}): Uint8Array {
  const { purpose, names, keyId, issuerKeyId } = want;
  const isAuthority = purpose === "authority";
  const list = [
    extension("2.5.29.19", isAuthority ? sequence(boolean(true)) : sequence(), { critical: true }), // basicConstraints
    // keyUsage: keyCertSign and cRLSign, or digitalSignature
    extension("2.5.29.15", isAuthority ? bitString(Uint8Array.of(0b0000_0110), 1) : bitString(Uint8Array.of(0x80), 7), {
      critical: true,
    }),
    extension("2.5.29.14", octetString(keyId)), // subjectKeyIdentifier
  ];
  if (issuerKeyId) list.push(extension("2.5.29.35", sequence(implicit(0, issuerKeyId)))); // authorityKeyIdentifier
  if (!isAuthority) {
    const usage = purpose === "server" ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2";
    list.push(extension("2.5.29.37", sequence(objectIdentifier(usage)))); // extKeyUsage
  }
  if (names.length > 0) list.push(extension("2.5.29.17", sequence(...names.map(generalName)))); // subjectAltName
  return sequence(...list);
}

function extension(id: string, value: Uint8Array, options: { critical?: boolean } = {}): Uint8Array {
  return sequence(objectIdentifier(id), ...(options.critical ? [boolean(true)] : []), octetString(value));
}

function generalName(name: string): Uint8Array {
  return isIP(name) === 0 ? element(0x82, Buffer.from(name, "ascii")) : element(0x87, addressBytes(name));
}

/** The 4 or 16 bytes of an IP address, which must be one. */
export function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split(".").map(Number));
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = [], tail] = plain.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...(tail ?? [])].map((group) =>
    Number.parseInt(group, 16),
  );
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}
