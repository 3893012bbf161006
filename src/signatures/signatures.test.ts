/** Keys and signatures were made by gpg 2.2 and ssh-keygen 9.2. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { verifyOpenPgp, verifySsh } from "./mod.ts";

const text = (name: string) => readFileSync(join(import.meta.dirname, "testdata", name), "utf8");
const data = Buffer.from(text("data.txt"));
const now = new Date("2030-01-01");

async function check(
  signature: string,
  keys: string,
  options: { readonly data?: Uint8Array; readonly rejectExpired?: boolean; readonly now?: Date } = {},
): Promise<void> {
  const { data: given = data, ...rest } = options;
  await verifyOpenPgp(() => [given], { signature: text(`${signature}.asc`), keys, now, ...rest });
}

for (const name of ["ed25519", "nistp384", "rsa"]) {
  test(`OpenPGP: ${name}, and no byte of it changed`, async () => {
    const keys = text(`${name}.pub`);
    await check(name, keys);
    await check(name, text("revoked.pub") + keys); // of several
    const other = Buffer.from(data);
    other[3] = 0;
    await assert.rejects(
      check(name, keys, { data: other }),
      /^BuildError: signature by [0-9A-F]{16}: invalid signature$/,
    );
  });
}

test("OpenPGP: a signature of text does not mind how its lines end", async () => {
  const keys = text("ed25519.pub");
  await check("text", keys);
  await check("text", keys, { data: Buffer.from(data.toString().replaceAll("\n", "\r\n")) });
  await assert.rejects(check("text", keys, { data: Buffer.from("signed data") }), /invalid signature/);
});

test("OpenPGP: a key that has expired since is refused by those who say so", async () => {
  await check("expired", text("expired.pub"));
  await assert.rejects(check("expired", text("expired.pub"), { rejectExpired: true }), /key expired at 2020-01-11T/);
});

test("OpenPGP: what is not good enough", async () => {
  await assert.rejects(check("stranger", text("ed25519.pub")), /signature made by unknown entity/);
  await assert.rejects(check("revoked", text("revoked.pub")), /key revoked/);
  await assert.rejects(check("short", text("short.pub")), /RSA key too short: 1024 bits/);
  await assert.rejects(check("weak", text("ed25519.pub")), /rejecting weak or unknown hash/);
  await assert.rejects(check("ed25519", text("ed25519.pub"), { now: new Date("2020-01-01") }), /in the future/);
});

test("OpenPGP: what is no key, and what is no signature", async () => {
  await assert.rejects(check("ed25519", "no key"), /no armored data found/);
  await assert.rejects(check("ed25519", text("ed25519.asc")), /expected public or private key block/);
  const signature = text("ed25519.pub");
  await assert.rejects(
    verifyOpenPgp(() => [data], { signature, keys: signature, now }),
    /armored signature/,
  );
  for (const length of [10, 60, 200, 300]) {
    const keys = `${text("ed25519.pub").slice(0, length)}\n-----END PGP PUBLIC KEY BLOCK-----\n`;
    await assert.rejects(check("ed25519", keys), /BuildError/, String(length));
  }
});

test("OpenPGP: a subkey that does not agree to belong to the key makes no signature of the key's owner", async () => {
  // Without the binding signature, which is the last packet.
  const [, head = "", body = ""] = /^(-----BEGIN[^\n]*\n\n)((?:[A-Za-z0-9+/]+={0,2}\n)+)/m.exec(text("rsa.pub")) ?? [];
  const packets = Buffer.from(body, "base64");
  const cut = packets.lastIndexOf(Buffer.from([0x89])); // an old header: signature, length in two bytes
  const lengths = [...packets.keys()].filter(
    (at) => packets[at] === 0x89 && at + 3 + packets.readUInt16BE(at + 1) === packets.length,
  );
  assert.ok(cut > 0 && lengths.length === 1);
  const keys = `${head}${packets.subarray(0, lengths[0]).toString("base64")}\n-----END PGP PUBLIC KEY BLOCK-----\n`;
  await assert.rejects(check("rsa", keys), /signature made by unknown entity/);
});

for (const type of ["ed25519", "rsa", "ecdsa"]) {
  test(`ssh: ${type}, for what it was made, and no byte of it changed`, () => {
    const signature = text(`ssh-${type}.sig`);
    const key = text(`ssh-${type}.pub`);
    verifySsh(data, { signature, key, namespace: "git" });
    verifySsh(data, { signature, key: `# mine\nnamespaces="git" ${key}`, namespace: "git" });
    assert.throws(
      () => verifySsh(data, { signature, key, namespace: "file" }),
      /unexpected SSH signature namespace: "git"/,
    );
    assert.throws(() => verifySsh(data.subarray(1), { signature, key, namespace: "git" }), /invalid signature/);
  });
}

test("ssh: what is not good enough", () => {
  const signature = text("ssh-ed25519.sig");
  const key = text("ssh-ed25519.pub");
  const verify = (options: { signature?: string; key?: string }) =>
    verifySsh(data, { signature, key, namespace: "git", ...options });
  assert.throws(() => verify({ key: text("ssh-rsa.pub") }), /made by another key/);
  assert.throws(() => verify({ key: "ssh-ed25519" }), /no key found/);
  assert.throws(() => verify({ signature: "none" }), /failed to decode ssh signature/);
  assert.throws(() => verify({ signature: signature.replace("U1NI", "AAAA") }), /wrong magic/);
  const cut = signature.replace(/([A-Za-z0-9+/=]+\n){2}(?=-----END)/, "");
  assert.throws(() => verify({ signature: cut }), /BuildError: invalid ssh signature: unexpected end/);
});
