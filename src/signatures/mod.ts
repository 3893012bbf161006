/**
 * Signatures as OpenPGP and ssh-keygen make them, checked against keys that the caller trusts. Pure: no key server, no keyring of this machine.
 *
 * ```ts
 * await verifyOpenPgp(bytesOfTheFile, { signature: armored, keys: armoredKeys, now });
 * verifySsh(bytes, { signature: pem, key: "ssh-ed25519 AAAA…", namespace: "git" });
 * ```
 */
export { verifyOpenPgp, type OpenPgpOptions } from "./openpgp/verify.ts";
export { verifySsh, type SshOptions } from "./ssh/verify.ts";
