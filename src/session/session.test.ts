import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { auth, health } from "../api/mod.ts";
import { BuildError, type ErrorCode } from "../base/errors/mod.ts";
import { service } from "../rpc/mod.ts";
import { authProvider, openSession } from "./mod.ts";
import { openRig } from "./testing/rig.ts";

const hasCode = (code: ErrorCode, message?: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof BuildError, String(error));
  assert.equal(error.code, code, error.message);
  if (message) assert.match(error.message, typeof message === "string" ? new RegExp(message) : message);
  return true;
};
const aborted = (signal: AbortSignal) =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));

const logins = authProvider({
  credentials: {
    for: async (host) =>
      host === "a.example"
        ? { username: "me", password: "p" }
        : host === "b.example"
          ? { identityToken: "t" }
          : undefined,
  },
});

suite("a session", () => {
  test("lets the engine call the client", async () => {
    await using r = await openRig();
    await using session = await openSession(r.channel, { attachables: [logins], sharedKey: "dir:node" });
    assert.match(session.id, /^[0-9a-z]{25}$/);
    const caller = await r.sessions.get(session.id);
    assert.equal(caller.sharedKey, "dir:node");
    assert.deepEqual(caller.peer, { pid: 1, uid: 2, gid: 3 });
    assert.ok(caller.supports("/moby.filesync.v1.Auth/credentials"), "case does not matter");
    assert.ok(!caller.supports("/moby.filesync.v1.FileSync/DiffCopy"));
    const client = caller.client(auth.Auth);
    const login = async (Host: string) => {
      const { Username, Secret } = await client.credentials({ Host });
      return [Username, Secret];
    };
    assert.deepEqual(await login("a.example"), ["me", "p"]);
    assert.deepEqual(await login("b.example"), ["", "t"]);
    assert.deepEqual(await login("c.example"), ["", ""]);
    await assert.rejects(client.getTokenAuthority({ Host: "a.example" }), hasCode("unimplemented"));
    assert.equal(
      (await caller.client(health.Health).check({})).status,
      health.HealthCheckResponse_ServingStatus.SERVING,
    );
  });

  test("is waited for, with or without a prefix of its id", async () => {
    await using r = await openRig();
    const early = r.sessions.get("node:abc", { timeoutMs: 120_000 });
    await using _session = await openSession(r.channel, { attachables: [], id: "abc" });
    assert.equal((await early).id, "abc");
  });

  test("that does not come is an error, at once when the caller gives up", async () => {
    await using r = await openRig();
    await assert.rejects(
      r.sessions.get("nobody", { timeoutMs: 10 }),
      hasCode("not_found", "^no active session for nobody: context deadline exceeded$"),
    );
    const reason = new Error("enough");
    const controller = new AbortController();
    const waiting = r.sessions.get("nobody", { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(waiting, reason);
  });

  test("ends in order when the client closes it", async () => {
    await using r = await openRig();
    const session = await openSession(r.channel, { attachables: [logins] });
    const caller = await r.sessions.get(session.id);
    await session.close();
    await session.closed;
    await aborted(caller.closed);
    assert.ok(hasCode("canceled", "no active session")(caller.closed.reason));
    await assert.rejects(caller.client(auth.Auth).credentials({ Host: "a" }), hasCode("unavailable"));
    // the stream's end is what removes it; it has arrived once another call went both ways
    await assert.rejects(r.sessions.get(session.id, { timeoutMs: 10 }), hasCode("not_found"));
    assert.equal(r.sessions.size, 0);
  });

  test("ends when the client's process dies", async () => {
    await using r = await openRig();
    const session = await openSession(r.channel, { attachables: [logins] });
    const caller = await r.sessions.get(session.id);
    r.sockets[0]?.destroy();
    await aborted(caller.closed);
    await assert.rejects(session.closed);
  });

  test("ends when the engine ends it", async () => {
    await using r = await openRig();
    const session = await openSession(r.channel, { attachables: [logins] });
    await r.sessions.get(session.id);
    r.sessions.close();
    await session.closed;
  });

  test("of the same id replaces the older one", async () => {
    await using r = await openRig();
    const first = await openSession(r.channel, { attachables: [], id: "same" });
    const old = await r.sessions.get("same");
    await using _second = await openSession(r.channel, { attachables: [logins], id: "same" });
    await aborted(old.closed);
    await first.closed;
    const caller = await r.sessions.get("same");
    assert.notEqual(caller, old);
    assert.equal((await caller.client(auth.Auth).credentials({ Host: "a.example" })).Username, "me");
  });

  test("that stops answering is given up after two failed checks", async () => {
    await using r = await openRig({ health: { intervalMs: 20, timeoutMs: 500, fatalAfter: 2 } });
    let checks = 0;
    const silent = {
      routes: service(health.Health, {
        check: (_request, { signal }) => {
          checks++;
          return aborted(signal).then(() => ({}));
        },
      }),
    };
    const session = await openSession(r.channel, { attachables: [silent] });
    const caller = await r.sessions.get(session.id);
    await aborted(caller.closed);
    assert.ok(hasCode("unavailable", "session healthcheck failed fatally")(caller.closed.reason));
    assert.equal(checks, 2);
    await session.closed;
  });

  test("that answers stays, whatever it answers", async () => {
    await using r = await openRig({ health: { intervalMs: 5, timeoutMs: 60_000, fatalAfter: 2 } });
    const done = Promise.withResolvers<void>();
    let checks = 0;
    const rude = {
      routes: service(health.Health, {
        check: () => {
          if (++checks === 5) done.resolve();
          throw new BuildError("unimplemented", "no");
        },
      }),
    };
    await using session = await openSession(r.channel, { attachables: [rude] });
    const caller = await r.sessions.get(session.id);
    await done.promise;
    assert.ok(!caller.closed.aborted);
  });

  test("without an id is refused", async () => {
    await using r = await openRig();
    const call = await r.channel.start("/moby.buildkit.v1.Control/Session");
    await assert.rejects(Array.fromAsync(call.incoming), hasCode("invalid_argument"));
  });
});
