import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http2 from "node:http2";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Duplex, duplexPair } from "node:stream";
import { suite, test } from "node:test";
import { control, status } from "../api/mod.ts";
import { BuildError, type ErrorCode } from "../base/errors/mod.ts";
import {
  type Channel,
  connect,
  createClient,
  createRpcServer,
  type RpcServer,
  service,
  type ServiceHandlers,
} from "./mod.ts";

type Handlers = ServiceHandlers<typeof control.Control>;

interface Rig extends AsyncDisposable {
  readonly server: RpcServer;
  readonly channel: Channel;
  readonly client: ReturnType<typeof createClient<typeof control.Control>>;
  readonly path: string;
}

/** A server and a channel to it over a unix socket. */
async function rig(
  handlers: Handlers,
  options: { peerCredentials?: (fd: number) => { pid: number; uid: number; gid: number } } = {},
): Promise<Rig> {
  const dir = mkdtempSync(join(tmpdir(), "rpc-"));
  const path = join(dir, "s.sock");
  const server = createRpcServer({ services: [service(control.Control, handlers)], ...options });
  const listener = createServer();
  server.serve(listener);
  listener.listen(path);
  await once(listener, "listening");
  const channel = connect({ open: async () => createConnection(path) });
  return {
    server,
    channel,
    client: createClient(control.Control, channel),
    path,
    async [Symbol.asyncDispose]() {
      await channel.close();
      listener.close();
      await server.close({ graceMs: 0 });
      rmSync(dir, { recursive: true });
    },
  };
}

const hasCode = (code: ErrorCode, message?: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof BuildError, String(error));
  assert.equal(error.code, code, error.message);
  if (typeof message === "string") assert.equal(error.message, message);
  else if (message) assert.match(error.message, message);
  return true;
};

/** Waits until `signal` aborts. */
const aborted = (signal: AbortSignal) =>
  signal.aborted
    ? Promise.resolve()
    : new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

suite("calls", () => {
  test("a unary call carries a message each way, headers and trailers", async () => {
    await using r = await rig({
      listWorkers: ({ filter }, context) => {
        assert.deepEqual(context.requestHeaders.getAll("x-many"), ["a, b", "c"]);
        context.responseHeaders.set("x-head", "1");
        context.responseTrailers.set("x-tail", "2");
        return { record: filter.map((ID) => ({ ID })) };
      },
    });
    const seen: (string | undefined)[] = [];
    const { record } = await r.client.listWorkers(
      { filter: ["one", "two"] },
      {
        headers: { "X-Many": ["a, b", "c"] },
        onHeaders: (headers) => seen.push(headers.get("x-head")),
        onTrailers: (trailers) => seen.push(trailers.get("x-tail")),
      },
    );
    assert.deepEqual(
      record.map(({ ID }) => ID),
      ["one", "two"],
    );
    assert.deepEqual(seen, ["1", "2"]);
  });

  test("an empty message is a message", async () => {
    await using r = await rig({
      info: () => ({}),
      async *session(requests) {
        for await (const { data } of requests) yield { data };
      },
    });
    assert.equal((await r.client.info({})).buildkitVersion, undefined);
    const replies = [];
    for await (const { data } of r.client.session(
      (async function* () {
        yield {};
        yield { data: Buffer.from("x") };
        yield {};
      })(),
    ))
      replies.push(data.byteLength);
    assert.deepEqual(replies, [0, 1, 0]);
  });

  test("server streaming yields in order and ends", async () => {
    await using r = await rig({
      async *status({ Ref }) {
        for (let i = 0; i < 1000; i++) yield { logs: [{ vertex: Ref, msg: Buffer.from(String(i)) }] };
      },
    });
    let count = 0;
    for await (const { logs } of r.client.status({ Ref: "v" }))
      assert.equal(Buffer.from(logs[0]?.msg ?? []).toString(), String(count++));
    assert.equal(count, 1000);
  });

  test("headers of a stream arrive before its first message", async () => {
    const gate = Promise.withResolvers<void>();
    await using r = await rig({
      async *status(_request, { responseHeaders }) {
        responseHeaders.set("buildkit-current-timestamp", "now");
        await gate.promise;
        yield {};
      },
    });
    const headers = Promise.withResolvers<string | undefined>();
    const reading = Array.fromAsync(
      r.client.status({}, { onHeaders: (h) => headers.resolve(h.get("buildkit-current-timestamp")) }),
    );
    assert.equal(await headers.promise, "now");
    gate.resolve();
    assert.equal((await reading).length, 1);
  });

  test("a bidirectional call works as a conversation", async () => {
    await using r = await rig({
      async *session(requests) {
        for await (const { data } of requests) yield { data: Buffer.from(data).reverse() };
      },
    });
    const turn: { next?: () => void } = {};
    const replies: string[] = [];
    async function* requests() {
      for (const word of ["abc", "def", "ghi"]) {
        const answered = new Promise<void>((resolve) => {
          turn.next = resolve;
        });
        yield { data: Buffer.from(word) };
        await answered; // the next one leaves only after the answer to this one
      }
    }
    for await (const { data } of r.client.session(requests())) {
      replies.push(Buffer.from(data).toString());
      turn.next?.();
    }
    assert.deepEqual(replies, ["cba", "fed", "ihg"]);
  });

  test("large messages pass and too large ones fail with resource_exhausted", async () => {
    await using r = await rig({
      async *session(requests) {
        for await (const { data } of requests) yield { data };
      },
    });
    const echo = async (bytes: number) => {
      for await (const { data } of r.client.session(
        (async function* () {
          yield { data: Buffer.alloc(bytes, 7) };
        })(),
      ))
        return data;
      return undefined;
    };
    const big = await echo(16 * 1024 * 1024 - 16);
    assert.equal(big?.byteLength, 16 * 1024 * 1024 - 16);
    assert.ok(big.every((byte) => byte === 7));
    await assert.rejects(echo(16 * 1024 * 1024 + 1), hasCode("resource_exhausted", /larger than max/));
    assert.equal((await echo(3))?.byteLength, 3, "the connection survives");
  });

  test("a server does not send what no client takes", async () => {
    const large = "x".repeat(16 * 1024 * 1024);
    await using r = await rig({
      info: () => ({ buildkitVersion: { package: large } }),
      async *status() {
        yield { vertexes: [{ name: "small" }] };
        yield { vertexes: [{ name: large }] };
      },
    });
    const refused = hasCode("resource_exhausted", /trying to send message larger than max \(\d{8} vs\. 16777216\)/);
    await assert.rejects(r.client.info({}), refused);
    const names: string[] = [];
    await assert.rejects(async () => {
      for await (const { vertexes } of r.client.status({})) names.push(...vertexes.map(({ name }) => name));
    }, refused);
    assert.deepEqual(names, ["small"]);
  });

  test("many calls at once share one connection", async () => {
    await using r = await rig({ listWorkers: async ({ filter }) => ({ record: [{ ID: filter[0] ?? "" }] }) });
    const results = await Promise.all(
      Array.from({ length: 500 }, (_, i) => r.client.listWorkers({ filter: [String(i)] })),
    );
    assert.deepEqual(
      results.map(({ record }) => record[0]?.ID),
      Array.from({ length: 500 }, (_, i) => String(i)),
    );
    assert.equal(r.server.connections, 1);
  });
});

suite("failure", () => {
  test("an error keeps its code, message, details and location", async () => {
    const location = {
      filename: "Dockerfile",
      start: { line: 3, character: 0 },
      end: { line: 3, character: 9 },
      text: "FROM a\n\nRUN b ü",
    };
    const detail = {
      typeUrl: "github.com/moby/buildkit/errdefs.Vertex+json",
      value: Buffer.from('{"digest":"sha256:0"}'),
    };
    await using r = await rig({
      solve: () => {
        throw new BuildError("failed_precondition", "schlecht: 100 % \n“so”", { location, details: [detail] });
      },
    });
    await assert.rejects(r.client.solve({}), (error: unknown) => {
      hasCode("failed_precondition", "schlecht: 100 % \n“so”")(error);
      assert.deepEqual((error as BuildError).location, location);
      assert.deepEqual(
        (error as BuildError).details.map((d) => d.typeUrl),
        [detail.typeUrl, "github.com/moby/buildkit/errdefs.Source+json"],
      );
      assert.equal(Buffer.from((error as BuildError).details[0]?.value ?? []).toString(), '{"digest":"sha256:0"}');
      return true;
    });
  });

  test("of details that no header takes the largest is left out", async () => {
    const detail = (typeUrl: string, bytes: number) => ({ typeUrl, value: Buffer.alloc(bytes, "a") });
    let details = [detail("x+json", 45_000)];
    await using r = await rig({
      solve: () => Promise.reject(new BuildError("internal", "m".repeat(100_000), { details })),
    });
    const received = () =>
      r.client.solve({}).then(
        () => assert.fail("must fail"),
        (error: BuildError) => {
          assert.match(error.message, /^m{10000}/);
          return error.details.map(({ typeUrl, value }) => [typeUrl, value.byteLength]);
        },
      );
    assert.deepEqual(await received(), [], "the message takes its place");
    details = [detail("a+json", 20), detail("big+json", 10_000_000), detail("b+json", 20_000)];
    assert.deepEqual(await received(), [
      ["a+json", 20],
      ["b+json", 20_000],
    ]);
  });

  test("an error that a Go program passes on loses the prefix that says its code", async () => {
    await using r = await rig({
      solve: () => {
        throw new BuildError(
          "not_found",
          "rpc error: code = NotFound desc = rpc error: code = NotFound desc = no such thing",
        );
      },
    });
    await assert.rejects(r.client.solve({}), hasCode("not_found", "no such thing"));
  });

  test("plain errors become unknown with their text", async () => {
    await using r = await rig({
      solve: () => {
        throw new Error("boom");
      },
    });
    await assert.rejects(r.client.solve({}), hasCode("unknown", "boom"));
  });

  test("a text keeps its spaces at either end", async () => {
    await using r = await rig({
      solve: () => {
        throw new BuildError("not_found", "  empty ref: ");
      },
    });
    await assert.rejects(r.client.solve({}), hasCode("not_found", "  empty ref: "));
  });

  test("a stream may fail after it has yielded", async () => {
    await using r = await rig({
      async *status() {
        yield {};
        throw new BuildError("not_found", "no such job x");
      },
    });
    let seen = 0;
    await assert.rejects(
      async () => {
        for await (const _ of r.client.status({})) seen++;
      },
      hasCode("not_found", "no such job x"),
    );
    assert.equal(seen, 1);
  });

  test("what is not served is unimplemented, in grpc-go's words", async () => {
    await using r = await rig({});
    await assert.rejects(r.client.info({}), hasCode("unimplemented", "unknown service moby.buildkit.v1.Control"));
    await using s = await rig({ info: () => ({}) });
    await assert.rejects(
      s.client.solve({}),
      hasCode("unimplemented", "unknown method Solve for service moby.buildkit.v1.Control"),
    );
  });

  test("nobody at the socket is unavailable", async () => {
    await using channel = connect({
      open: async () => {
        throw new Error("connect ENOENT /nowhere");
      },
    });
    await assert.rejects(
      createClient(control.Control, channel).info({}),
      hasCode("unavailable", "connection error: connect ENOENT /nowhere"),
    );
  });

  test("a server that goes away in mid-call is unavailable, and the channel dials again", async () => {
    const called = Promise.withResolvers<void>();
    let sockets: Duplex[] = [];
    await using r = await rig({
      info: () => ({}),
      solve: async (_request, { signal }) => {
        called.resolve();
        await aborted(signal);
        throw signal.reason;
      },
    });
    await using channel = connect({
      open: async () => {
        const socket = createConnection(r.path);
        sockets.push(socket);
        return socket;
      },
    });
    const client = createClient(control.Control, channel);
    const solving = client.solve({});
    await called.promise;
    sockets[0]?.destroy();
    await assert.rejects(solving, hasCode("unavailable", "error reading from server: EOF"));
    await client.info({});
    assert.equal(sockets.length, 2);
    sockets = [];
  });

  test("an answer that is not gRPC is named as such", async () => {
    const [left, right] = duplexPair();
    http2.performServerHandshake(right).on("stream", (stream: http2.ServerHttp2Stream) => {
      stream.respond({ ":status": 404, "content-type": "text/html" });
      stream.end("no");
    });
    await using channel = connect({ open: async () => left });
    await assert.rejects(createClient(control.Control, channel).info({}), hasCode("unimplemented", /404/));
  });
});

suite("cancellation", () => {
  test("a caller's abort reaches the handler and throws the caller's reason", async () => {
    const started = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<unknown>();
    await using r = await rig({
      solve: async (_request, { signal }) => {
        started.resolve();
        await aborted(signal);
        ended.resolve(signal.reason);
        throw signal.reason;
      },
    });
    const controller = new AbortController();
    const solving = r.client.solve({}, { signal: controller.signal });
    await started.promise;
    const reason = new Error("changed my mind");
    controller.abort(reason);
    await assert.rejects(solving, reason);
    assert.ok(hasCode("canceled", "context canceled")(await ended.promise));
  });

  test("what a caller sent before it cancelled does not look complete", async () => {
    const outcome = Promise.withResolvers<unknown>();
    await using r = await rig({
      async *session(requests) {
        yield {};
        try {
          for await (const _ of requests);
          outcome.resolve("complete");
        } catch (error) {
          outcome.resolve(error);
        }
      },
    });
    const controller = new AbortController();
    async function* requests() {
      yield { data: Buffer.from("half") };
      await aborted(controller.signal);
    }
    const call = r.client.session(requests(), { signal: controller.signal })[Symbol.asyncIterator]();
    await call.next();
    for (let i = 0; i < 3; i++) await new Promise(setImmediate); // lets the bytes leave
    controller.abort(new Error("no"));
    assert.ok(hasCode("canceled")(await outcome.promise));
    await assert.rejects(call.next(), /no/);
  });

  test("leaving the loop of a stream cancels it", async () => {
    const ended = Promise.withResolvers<void>();
    await using r = await rig({
      async *status(_request, { signal }) {
        try {
          while (!signal.aborted) {
            yield {};
            await new Promise(setImmediate);
          }
        } finally {
          ended.resolve();
        }
      },
    });
    for await (const _ of r.client.status({})) break;
    await ended.promise;
  });

  test("a deadline ends the call at both ends", async () => {
    const reason = Promise.withResolvers<unknown>();
    await using r = await rig({
      solve: async (_request, { signal }) => {
        await aborted(signal);
        reason.resolve(signal.reason);
        throw signal.reason;
      },
    });
    await assert.rejects(
      r.client.solve({}, { timeoutMs: 500 }),
      hasCode("deadline_exceeded", "context deadline exceeded"),
    );
    const seen = (await reason.promise) as BuildError;
    assert.match(seen.code, /deadline_exceeded|canceled/); // whichever of its own clock and the caller's reset came first
  });

  test("a server ends a call whose caller still sends", async () => {
    await using r = await rig({
      async *session(requests) {
        for await (const _ of requests) {
          yield { data: Buffer.from("enough") };
          return;
        }
      },
    });
    const replies = [];
    const never = (async function* () {
      yield {};
      await new Promise(() => undefined);
    })();
    for await (const { data } of r.client.session(never)) replies.push(Buffer.from(data).toString());
    assert.deepEqual(replies, ["enough"]);
    await r.client.info({}).catch(() => undefined);
    assert.equal(r.server.activeCalls, 0);
  });

  test("closing the server lets calls under way finish", async () => {
    const gate = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const r = await rig({
      info: async () => {
        started.resolve();
        await gate.promise;
        return {};
      },
    });
    const info = r.client.info({});
    await started.promise;
    const closing = r.server.close();
    gate.resolve();
    await info;
    await closing;
    await r[Symbol.asyncDispose]();
  });
});

suite("flow control", () => {
  test("a sender is held back by a receiver that does not read", async () => {
    let produced = 0;
    await using r = await rig({
      async *status() {
        for (;;) {
          produced++;
          yield { logs: [{ msg: Buffer.alloc(64 * 1024) }] };
        }
      },
    });
    let seen = 0;
    for await (const _ of r.client.status({})) {
      if (++seen === 1) {
        let last = -1;
        while (produced !== last) {
          last = produced;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        assert.ok(produced < 400, `${produced} messages of 64 KiB were buffered`);
      }
      if (seen === 1000) break; // and it goes on afterwards
    }
  });

  test("a stalled stream does not stall its neighbours", async () => {
    await using r = await rig({
      info: () => ({}),
      async *status() {
        for (;;) yield { logs: [{ msg: Buffer.alloc(64 * 1024) }] };
      },
    });
    const stalled = [];
    for (let i = 0; i < 8; i++) {
      const it = r.client.status({})[Symbol.asyncIterator]();
      await it.next();
      stalled.push(it);
    }
    await r.client.info({}, { timeoutMs: 120_000 });
    for (const it of stalled) await it.return?.(undefined);
  });
});

suite("transport", () => {
  test("the peer of a unix socket is asked by its descriptor", async () => {
    const peer = { pid: 1, uid: 2, gid: 3 };
    let fd = -1;
    await using r = await rig(
      {
        info: (_request, context) => {
          assert.deepEqual(context.peer, peer);
          return {};
        },
      },
      {
        peerCredentials: (given) => {
          fd = given;
          return peer;
        },
      },
    );
    await r.client.info({});
    assert.ok(fd > 2);
  });

  test("a call works over any duplex, also inside another call", async () => {
    const inner = createRpcServer({
      services: [service(control.Control, { info: () => ({ buildkitVersion: { version: "inner" } }) })],
    });
    const [left, right] = duplexPair();
    void inner.attach(right);
    await using channel = connect({ open: async () => left, redial: false });
    assert.equal((await createClient(control.Control, channel).info({})).buildkitVersion?.version, "inner");
    left.destroy();
    await aborted(channel.closed);
    await assert.rejects(createClient(control.Control, channel).info({}), hasCode("unavailable"));
  });

  test("raw HTTP/2: headers first, trailers always, status alone when nothing was sent", async () => {
    await using r = await rig({
      info: () => ({}),
      solve: () => {
        throw new BuildError("not_found", "nö");
      },
    });
    const session = http2.connect("http://localhost", { createConnection: () => createConnection(r.path) });
    const call = async (path: string, body: Buffer, headers = {}) => {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc+proto",
        te: "trailers",
        "grpc-accept-encoding": "gzip",
        ...headers,
      });
      const events: [string, unknown][] = [];
      stream.on("response", (h) =>
        events.push([
          "headers",
          { status: h[":status"], type: h["content-type"], grpc: h["grpc-status"], message: h["grpc-message"] },
        ]),
      );
      stream.on("trailers", (h) => events.push(["trailers", h["grpc-status"]]));
      const data: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => data.push(chunk));
      stream.end(body);
      await once(stream, "close");
      return {
        events,
        headers: (events[0]?.[1] ?? {}) as { status?: number; grpc?: string },
        body: Buffer.concat(data).toString("hex"),
      };
    };
    const empty = Buffer.alloc(5);
    const info = await call("/moby.buildkit.v1.Control/Info", empty);
    assert.equal(info.body, "0000000000");
    assert.deepEqual(info.events, [
      ["headers", { status: 200, type: "application/grpc", grpc: undefined, message: undefined }],
      ["trailers", "0"],
    ]);
    assert.deepEqual((await call("/moby.buildkit.v1.Control/Solve", empty)).events, [
      ["headers", { status: 200, type: "application/grpc", grpc: "5", message: "n%C3%B6" }],
    ]);
    const grpcOf = async (hex: string) =>
      (await call("/moby.buildkit.v1.Control/Info", Buffer.from(hex, "hex"))).headers.grpc;
    assert.equal(await grpcOf("010000000100"), "12", "compressed");
    assert.equal(await grpcOf("00000000"), "13", "truncated");
    assert.equal(await grpcOf("0000000001ff"), "13", "no such message");
    const notGrpc = await call("/moby.buildkit.v1.Control/Info", empty, { "content-type": "text/plain" });
    assert.equal(notGrpc.headers.status, 415);
    session.close();
  });

  test("500 repeated header values arrive whole", async () => {
    const patterns = Array.from({ length: 500 }, (_, i) => `pattern-${i}, with comma`);
    await using r = await rig({
      info: (_request, context) => {
        assert.deepEqual(context.requestHeaders.getAll("include-patterns"), patterns);
        return {};
      },
    });
    await r.client.info({}, { headers: { "include-patterns": patterns } });
  });

  test("thousands of cancelled calls do not end the connection", async () => {
    await using r = await rig({
      info: () => ({}),
      solve: async (_request, { signal }) => {
        await aborted(signal);
        throw signal.reason;
      },
    });
    for (let round = 0; round < 20; round++) {
      const controller = new AbortController();
      const solving = Array.from({ length: 100 }, () =>
        r.client.solve({}, { signal: controller.signal }).catch(() => undefined),
      );
      await r.client.info({});
      controller.abort(new Error("no"));
      await Promise.all(solving);
    }
    await r.client.info({});
    assert.equal(r.server.connections, 1);
  });
});

test("statuses name their type for other programs", () => {
  assert.equal(status.StatusSchema.typeName, "google.rpc.Status");
});
