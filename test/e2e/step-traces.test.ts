import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { traceService } from "../../src/api/mod.ts";
import { connect, dialAddress } from "../../src/client/mod.ts";
import { createClient } from "../../src/rpc/mod.ts";
import { startEngine } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
const directory = await house.directory();
const socket = join(directory, "otel.sock");
const address = `unix://${directory}/engine.sock`;
house.own(
  await startEngine(["--addr", address, "--otel-socket-path", socket, "--allow-insecure-entitlement=network.host"]),
);

/** Stands for a process of a step that reports what it does: asked for `/<traceparent>`, it reports a span below that one. */
const reporter = createServer((request, response) => {
  const [, traceId = "", parent = ""] = /^\/00-([\da-f]{32})-([\da-f]{16})-01$/.exec(request.url ?? "") ?? [];
  const span = {
    name: "said by the step",
    traceId: bytes(traceId),
    spanId: bytes("0123456789abcdef"),
    parentSpanId: bytes(parent),
  };
  const channel = connect({ open: dialAddress(`unix://${socket}`) });
  createClient(traceService.TraceService, channel)
    .export({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
    .then(
      () => response.end("reported"),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
    .finally(() => void channel.close());
}).listen(0, "127.0.0.1");
await once(reporter, "listening");
house.own({
  [Symbol.asyncDispose]: async () => {
    reporter.close();
    await once(reporter, "close");
  },
});
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

test("processes of a step can report what they do as parts of its trace, and the cache does not care", async () => {
  const { code, stderr } = await house.polyarch(["create", "--name", "traced", "--driver", "remote", address]);
  assert.equal(code, 0, stderr);
  const { port } = reporter.address() as AddressInfo;
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base}
      RUN --network=host test -S /dev/otel-grpc.sock && env | grep ^OTEL_ | sort && wget -q -O - http://127.0.0.1:${port}/$TRACEPARENT
      ENV OTEL_TRACES_EXPORTER=none
      RUN echo "exporter: $OTEL_TRACES_EXPORTER"
    `,
  });
  const args = ["--builder", "traced", "--allow", "network.host", "--progress=plain"];
  const built = await house.build(context, args);
  for (const line of [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=unix:///dev/otel-grpc.sock",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc",
    "OTEL_TRACES_EXPORTER=otlp",
    "reported",
    "exporter: none",
  ]) {
    assert.match(built.stderr, new RegExp(`^#\\d+ [\\d.]+ ${line}$`, "m"));
  }
  const { stdout } = await house.polyarch(["history", "trace", "--builder", "traced"]);
  const [{ spans }] = (JSON.parse(stdout) as { data: [{ spans: readonly Span[] }] }).data;
  const step = spans.find(({ operationName }) => operationName.includes("RUN --network=host"));
  const said = spans.find(({ operationName }) => operationName === "said by the step");
  assert.ok(step);
  assert.equal(said?.references.at(-1)?.spanID, step.spanID);

  const again = await house.build(context, args);
  assert.match(again.stderr, /CACHED/);
  assert.doesNotMatch(again.stderr, /reported/);
});

interface Span {
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly { readonly spanID: string }[];
}
