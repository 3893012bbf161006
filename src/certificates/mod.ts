/**
 * Certificates for an engine and its clients: an authority, and what it issues. ECDSA on P-256 with SHA-256, which everything that speaks
 * TLS 1.2 or newer knows.
 *
 * ```ts
 * const authority = createAuthority({ commonName: "our builders", from: now, until: inTenYears });
 * const server = authority.issue({ purpose: "server", commonName: "node-1", names: ["node-1.lan", "10.0.0.5"], from: now, until });
 * ```
 */
export {
  type Authority,
  type CertificateRequest,
  createAuthority,
  type KeyPair,
  loadAuthority,
} from "./certificate.ts";
export type { Purpose } from "./extensions.ts";
