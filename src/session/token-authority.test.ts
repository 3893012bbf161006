import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { auth } from "../api/mod.ts";
import { service } from "../rpc/mod.ts";
import { authProvider, openSession, proveTokenAuthority, type SessionLogin } from "./mod.ts";
import { openRig } from "./testing/rig.ts";
import { isSignedBy, publicKeyOf, signed, tokenAuthority } from "./token-authority.ts";

const { signal } = new AbortController();
const salt = Buffer.alloc(32, 7);
const seed = Buffer.from("0123456789abcdef");

suite("token authorities", () => {
  test("are Ed25519 keys of an HMAC of the user's seed, as docker buildx's are", () => {
    // Worked out with OpenSSL, by Python's cryptography.
    const known = "594f5853708d39119597d6c573f1761da4abbbc4b7f9e4029a57a81e4dc34a3a";
    const key = tokenAuthority(salt, seed);
    assert.equal(Buffer.from(publicKeyOf(key)).toString("hex"), known);
    assert.equal(publicKeyOf(key).length, 32);
  });
  test("sign in front of what is signed", () => {
    const [key, payload] = [tokenAuthority(salt, seed), Buffer.from("a payload")];
    const message = signed(key, payload);
    assert.equal(message.length, 64 + payload.length);
    assert.ok(isSignedBy(publicKeyOf(key), message, payload));
    assert.ok(!isSignedBy(publicKeyOf(key), message, Buffer.from("b payload")));
    assert.ok(!isSignedBy(publicKeyOf(key), message.subarray(1), payload));
    assert.ok(!isSignedBy(publicKeyOf(tokenAuthority(salt, undefined)), message, payload));
    const forged = Uint8Array.from(message, (byte, at) => (at === 0 ? byte ^ 1 : byte));
    assert.ok(!isSignedBy(publicKeyOf(key), forged, payload));
    assert.ok(!isSignedBy(new Uint8Array(3), message, payload));
  });
});

suite("proveTokenAuthority()", () => {
  const logins: Readonly<Record<string, SessionLogin>> = {
    "a.example": { username: "me", password: "p" },
    "b.example": { registryToken: "t" },
  };
  const provider = authProvider({
    credentials: { for: async (host) => logins[host] },
    fetchToken: async () => undefined,
    seeds: { for: async (host) => Buffer.from(host) },
  });
  const prove = async (attachable: typeof provider, host: string) => {
    await using rig = await openRig();
    await using session = await openSession(rig.channel, { attachables: [attachable] });
    return await proveTokenAuthority(await rig.sessions.get(session.id), host, { salt, signal });
  };

  test("knows a user again, for a registry, by a key that he alone has", async () => {
    const key = await prove(provider, "a.example");
    assert.equal(key, Buffer.from(publicKeyOf(tokenAuthority(salt, Buffer.from("a.example")))).toString("hex"));
    assert.equal(await prove(provider, "a.example"), key);
    assert.match((await prove(provider, "b.example")) ?? "", /^[0-9a-f]{64}$/);
    assert.notEqual(await prove(provider, "b.example"), key);
  });
  test("takes whoever is not logged in for nobody", async () => {
    assert.equal(await prove(provider, "c.example"), undefined);
  });
  test("believes nobody who only says whose key it is", async () => {
    const mine = tokenAuthority(salt, Buffer.from("mine"));
    const theirs = publicKeyOf(tokenAuthority(salt, Buffer.from("theirs")));
    const thief = {
      routes: service(auth.Auth, {
        getTokenAuthority: () => ({ PublicKey: theirs }),
        verifyTokenAuthority: ({ Payload }) => ({ Signed: signed(mine, Payload) }),
      }),
    };
    await assert.rejects(prove(thief, "a.example"), { code: "unauthenticated" });
  });
  test("leaves it to its caller what a client without all that may do", async () => {
    const without = authProvider({ credentials: { for: async () => undefined } });
    await assert.rejects(prove(without, "a.example"), { code: "unimplemented" });
  });
});
