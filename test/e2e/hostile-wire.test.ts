import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { createConnection } from "node:net";
import { join } from "node:path";
import { afterEach, suite, test } from "node:test";
import { BuildKitClient, connect, dialAddress } from "../../src/client/mod.ts";
import { marshal, scratch } from "../../src/llb/mod.ts";
import { processes, startEngine } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";
import { callHeaders, flags, frame, frames, header, type RawPeer, rawPeer, setting } from "./raw-http2.ts";

const house = await openHouse();
const path = join(await house.directory(), "engine.sock");
const engine = house.own(await startEngine(["--addr", `unix://${path}`]));
const client = house.own(new BuildKitClient(connect({ open: dialAddress(`unix://${path}`) })));
const memory = () => processes().find(({ pid }) => pid === engine.pid)?.bytes ?? 0;

/** A build that was there before the attack began, and one that comes after. */
const build = async (name: string) => {
  const made = scratch.file([{ type: "mkfile", path: "/made", mode: 0o644, data: Buffer.from(name) }]);
  await client.solve({ Ref: randomUUID(), Definition: marshal(made) }, { timeoutMs: 120_000 });
};
await build("first");
const before = memory();
/** What hostile peers may cost: less than what each of those below sends, or has the engine answer. */
const bearableBytes = 700 * 1024 * 1024;

afterEach(async (t) => {
  await build(`after: ${t.name}`);
  const grown = memory() - before;
  assert.ok(grown < bearableBytes, `the engine has grown by ${(grown / 2 ** 20).toFixed(0)} MiB`);
});

const control = (method: string) => `/moby.buildkit.v1.Control/${method}`;

/** Sends `body` in one call of Info, and returns what the engine says of it. */
async function answerTo(
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingHttpHeaders> {
  const session = connectHttp2("http://localhost", { createConnection: () => createConnection({ path }) });
  try {
    const request = session.request({
      ":method": "POST",
      ":path": control("Info"),
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    const said: IncomingHttpHeaders = {};
    for (const event of ["response", "trailers"]) {
      request.on(event, (got: IncomingHttpHeaders) => void Object.assign(said, got));
    }
    request.on("error", () => undefined);
    request.resume();
    request.end(body);
    await new Promise((done) => request.once("close", done));
    return said;
  } finally {
    session.destroy();
  }
}

/** As many streams as `count`, opened with the headers of a call of `method`. */
async function openStreams(peer: RawPeer, count: number, method: string, each?: (id: number) => Buffer) {
  const open = callHeaders(control(method));
  for (let at = 0; at < count; at++) {
    const id = 2 * at + 1;
    const rest = each?.(id) ?? Buffer.alloc(0);
    if (!(await peer.send(frame(frames.headers, flags.endHeaders, id, open), rest))) return;
  }
}

suite("an engine answers with an error", { concurrency: 4 }, () => {
  for (const [what, body, status, says] of [
    ["a message of 4 GiB", [0, 255, 255, 255, 255], "8", /received message larger than max/],
    ["a message that is compressed", [1, 0, 0, 0, 0], "12", /compressed/],
    ["half a message", [0, 0, 0, 0, 9, 1, 2], "13", /unexpected EOF/],
    ["half a prefix", [0, 0], "13", /unexpected EOF/],
    ["no message at all", [], "13", /./],
    ["two messages where one is due", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "13", /./],
    ["bytes that are no message", [0, 0, 0, 0, 4, 255, 255, 255, 255], "13", /./],
  ] as const) {
    test(`to ${what}`, async () => {
      const said = await answerTo(Uint8Array.from(body));
      assert.equal(said["grpc-status"], status, JSON.stringify(said));
      assert.match(decodeURIComponent(String(said["grpc-message"])), says);
    });
  }
  for (const [what, headers, want] of [
    ["another content", { "content-type": "text/html" }, { ":status": 415 }],
    ["a GET", { ":method": "GET" }, { ":status": 415 }],
    ["a path that is none", { ":path": "/../../etc/passwd" }, { "grpc-status": "12" }],
    ["a time-out that is none", { "grpc-timeout": "99999999999999999999x" }, {}],
  ] as const) {
    test(`to ${what}`, async () => {
      const said = await answerTo(new Uint8Array(5), headers);
      for (const [key, value] of Object.entries(want)) assert.equal(String(said[key]), String(value));
    });
  }
});

suite("an engine stays up, small, and there for others, when a peer", () => {
  test("says what is not HTTP/2", async () => {
    const socket = createConnection({ path });
    socket.on("error", () => undefined);
    socket.end(Buffer.alloc(1024 * 1024, "GET / HTTP/1.1\r\n"));
    socket.resume();
    await new Promise((done) => socket.once("close", done));
  });

  test("opens calls and resets them at once, 100,000 times", async () => {
    using peer = await rawPeer(path);
    peer.socket.resume();
    await openStreams(peer, 100_000, "ListWorkers", (id) => frame(frames.reset, 0, id, Buffer.from([0, 0, 0, 8])));
    await build("meanwhile");
  });

  test("sends headers without an end", async () => {
    using peer = await rawPeer(path);
    peer.socket.resume();
    const some = header("x-more", "m".repeat(16_000));
    await peer.send(frame(frames.headers, 0, 1, callHeaders(control("Info"))));
    let sent = 0;
    while (sent < 50_000 && (await peer.send(frame(frames.continuation, 0, 1, some)))) sent++;
    assert.ok(sent < 50_000, "nobody hung up");
  });

  test("opens calls with a megabyte of headers each", async () => {
    using peer = await rawPeer(path);
    peer.socket.resume();
    const large = Buffer.concat([callHeaders(control("Status")), header("x-large", "m".repeat(900_000))]);
    for (let at = 0; at < 1000; at++) {
      if (!(await peer.send(frame(frames.headers, flags.endHeaders, 2 * at + 1, large)))) break;
    }
    await build("meanwhile");
  });

  test("begins 300 messages of 16 MB and ends none", async () => {
    using peer = await rawPeer(path);
    peer.socket.resume();
    const prefix = Buffer.from([0, 0, 0xf0, 0, 0]);
    await openStreams(peer, 300, "Solve", (id) => frame(frames.data, 0, id, prefix));
    const piece = Buffer.alloc(16_000);
    let sent = true;
    for (let round = 0; sent && round < 250; round++) {
      for (let at = 0; sent && at < 300; at++) sent = await peer.send(frame(frames.data, 0, 2 * at + 1, piece));
    }
    await build("meanwhile");
    assert.ok(memory() - before < bearableBytes, `grown by ${(memory() - before) / 2 ** 20} MiB`);
  });

  test("asks without end and never reads", async () => {
    using peer = await rawPeer(path, setting(4, 0));
    await openStreams(peer, 20_000, "ListWorkers", (id) => frame(frames.data, flags.endStream, id, Buffer.alloc(5)));
    await build("meanwhile");
  });

  test("pings and changes its settings without end, and never reads", async () => {
    using peer = await rawPeer(path);
    const noise = Buffer.concat([
      frame(frames.ping, 0, 0, Buffer.alloc(8)),
      frame(frames.settings, 0, 0, setting(3, 1)),
    ]);
    const much = Buffer.concat(Array.from({ length: 1000 }, () => noise));
    for (let at = 0; at < 2000 && (await Promise.race([peer.send(much), pause(500)])); at++);
    await build("meanwhile");
  });

  test("makes frames out of order", async () => {
    for (const wrong of [
      frame(frames.data, 0, 7, Buffer.alloc(100)),
      frame(frames.continuation, 0, 1, Buffer.alloc(100)),
      frame(frames.window, 0, 0, Buffer.from([0x7f, 255, 255, 255])),
      frame(frames.headers, flags.endHeaders, 2, callHeaders(control("Info"))),
      frame(frames.headers, flags.endHeaders, 1, Buffer.alloc(1000, 0xff)),
      frame(0xee, 0xff, 0xff_ff, Buffer.alloc(1000)),
      Buffer.alloc(100_000, 0xff),
    ]) {
      using peer = await rawPeer(path);
      peer.socket.resume();
      await peer.send(wrong);
      await Promise.race([peer.closed, pause(200)]);
    }
  });

  test("opens 2,000 connections and says nothing", async () => {
    using stack = new DisposableStack();
    for (let at = 0; at < 2000; at++) stack.use(await rawPeer(path));
    await build("meanwhile");
  });
});

const pause = (ms: number) => new Promise<false>((done) => setTimeout(() => done(false), ms));
