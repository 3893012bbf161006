import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, suite, test } from "node:test";
import { content, filesync, fsutil, gateway, secrets } from "../../src/api/mod.ts";
import { create, fromBinary, toBinary } from "../../src/base/protobuf/mod.ts";
import { BuildError } from "../../src/base/errors/mod.ts";
import { BuildKitClient, connect, dialAddress, type SolveRequest } from "../../src/client/mod.ts";
import { local, marshal, scratch, source, type State } from "../../src/llb/mod.ts";
import { digestOf } from "../../src/oci/mod.ts";
import { createClient, pathOf, type ServedStream } from "../../src/rpc/mod.ts";
import { processes, run, startEngine } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
const home = await house.directory();
const root = join(home, "root");
const address = `unix://${join(home, "engine.sock")}`;
const engine = house.own(await startEngine(["--addr", address, "--root", root]));
const open = () => new BuildKitClient(connect({ open: dialAddress(address) }));
const client = house.own(open());

const solve = async (state: State, more: SolveRequest = {}, through: BuildKitClient = client) =>
  await through.solve({ Ref: randomUUID(), Definition: marshal(state), ...more }, { timeoutMs: 120_000 });
const file = (name: string, data: Uint8Array = Buffer.from(name)) =>
  scratch.file([{ type: "mkfile", path: `/${name}`, mode: 0o644, data }]);
const memory = () => processes().find(({ pid }) => pid === engine.pid)?.bytes ?? 0;
const refused = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BuildError, String(error));
  assert.match(error.message, message);
  return true;
};
await solve(file("first"));
const before = memory();
/** What nobody has, and hostile clients would like to make in /tmp. */
const escaped = `polyarch-escaped-${randomUUID()}`;

afterEach(async (t) => {
  await solve(file(`after ${t.name}`));
  const grown = memory() - before;
  assert.ok(grown < 500 * 2 ** 20, `the engine has grown by ${(grown / 2 ** 20).toFixed(0)} MiB`);
  assert.ok(!existsSync(`/tmp/${escaped}`));
});

type Stat = Parameters<typeof create<typeof fsutil.StatSchema>>[1];
const { PACKET_STAT, PACKET_DATA } = fsutil.Packet_PacketType;
const packet = (init: Parameters<typeof create<typeof fsutil.PacketSchema>>[1]) =>
  toBinary(fsutil.PacketSchema, create(fsutil.PacketSchema, init));
const entry = (stat: Stat) => packet({ type: PACKET_STAT, stat: { mode: 0o644, ...stat } });
const directory = 0x8000_0000 + 0o755;
const symlink = 0x0800_0000 + 0o777;

/** Has the engine ask for a directory of the client, whose answer is `say`. */
async function transfer(say: (stream: ServedStream) => Promise<void>): Promise<void> {
  await using other = open();
  const route = {
    path: pathOf(filesync.FileSync.method.diffCopy),
    run: async (stream: ServedStream) => await say(stream),
  };
  await using session = await other.openSession({ attachables: [{ routes: [route] }] });
  await solve(local(`context-${randomUUID()}`, { sessionId: session.id }), { Session: session.id }, other);
}

suite("a directory of a client is refused", () => {
  const sends =
    (...packets: readonly Uint8Array[]) =>
    async (stream: ServedStream) => {
      for (const one of packets) await stream.send(one);
      await stream.incoming[Symbol.asyncIterator]().next();
    };
  for (const [what, say, message] of [
    ["that climbs", sends(entry({ path: `../${escaped}` })), /escape check failed/],
    ["with an absolute path", sends(entry({ path: `/tmp/${escaped}` })), /absolute path/],
    ["with a NUL in a path", sends(entry({ path: "a\0b" })), /invalid path/],
    ["with a path of a megabyte", sends(entry({ path: "a".repeat(1 << 20) })), /invalid path|too long/],
    [
      "that goes through its own symlink",
      sends(entry({ path: "link", mode: symlink, linkname: "/tmp" }), entry({ path: `link/${escaped}` })),
      /out of order/,
    ],
    ["out of order", sends(entry({ path: "b" }), entry({ path: "a" })), /out of order/],
    [
      "that sends what nobody asked for",
      sends(packet({ type: PACKET_DATA, ID: 77, data: Buffer.from("x") })),
      /invalid file request 77/,
    ],
    ["that is no packet", sends(Buffer.alloc(1000, 0xff)), /malformed packet/],
    ["whose file never ends", endlessFile, /much larger than/],
    ["whose client hangs up in the middle", async () => await Promise.reject(new Error("gone")), /gone|session|EOF/],
    ["whose client ends too early", async () => undefined, /EOF/],
  ] as const) {
    test(what, async () => {
      await assert.rejects(transfer(say), refused(message));
    });
  }

  test("whose client dies in the middle, with its connection", async () => {
    const other = open();
    const asked = Promise.withResolvers<void>();
    const route = {
      path: pathOf(filesync.FileSync.method.diffCopy),
      run: async (stream: ServedStream) => {
        await stream.send(entry({ path: "dir", mode: directory }));
        await stream.send(entry({ path: "dir/file", size: 1_000_000n }));
        asked.resolve();
        await new Promise(() => undefined);
      },
    };
    const session = await other.openSession({ attachables: [{ routes: [route] }] });
    const building = solve(local("dying", { sessionId: session.id }), { Session: session.id }); // another client asks
    const failing = assert.rejects(building, BuildError);
    await asked.promise;
    void other.close();
    await failing;
  });

  async function endlessFile(stream: ServedStream): Promise<void> {
    await stream.send(entry({ path: "file", size: 10n }));
    await stream.send(packet({ type: PACKET_STAT }));
    const data = Buffer.alloc(1 << 20);
    for (let sent = 0; sent < 200; sent++) await stream.send(packet({ type: PACKET_DATA, ID: 0, data }));
  }
});

suite("an OCI layout of a client is refused", () => {
  const layer = Buffer.alloc(100_000, "layer");
  const config = Buffer.from(
    JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [digestOf(layer)] } }),
  );
  const type = (name: string) => `application/vnd.oci.image.${name}`;
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: type("manifest.v1+json"),
      config: { mediaType: type("config.v1+json"), digest: digestOf(config), size: config.length },
      layers: [{ mediaType: type("layer.v1.tar"), digest: digestOf(layer), size: layer.length }],
    }),
  );
  const documents = new Map([config, manifest].map((bytes) => [String(digestOf(bytes)), bytes]));
  const megabyte = Buffer.alloc(1 << 20);
  for (const [what, pieces, message] of [
    ["whose layer stops too early", [layer.subarray(0, 50)], /unexpected size 50, expected 100000/],
    ["whose layer never comes", [], /unexpected size 0, expected 100000/],
    ["whose layer is another one", [Buffer.alloc(100_000)], /unexpected digest/],
    ["whose layer never ends", Array.from({ length: 600 }, () => megabyte), /more than the expected 100000 bytes/],
  ] as const) {
    test(what, async () => {
      const answer = async (stream: ServedStream, say: (message: Uint8Array) => Promise<void>) => {
        for await (const message of stream.incoming) return await say(message);
      };
      const info = async (stream: ServedStream) =>
        await answer(stream, async (message) => {
          const { digest } = fromBinary(content.InfoRequestSchema, message);
          const size = BigInt((documents.get(digest) ?? layer).length);
          const schema = content.InfoResponseSchema;
          await stream.send(toBinary(schema, create(schema, { info: { digest, size } })));
        });
      const read = async (stream: ServedStream) =>
        await answer(stream, async (message) => {
          const document = documents.get(fromBinary(content.ReadContentRequestSchema, message).digest);
          const schema = content.ReadContentResponseSchema;
          for (const data of document ? [document] : pieces)
            await stream.send(toBinary(schema, create(schema, { data })));
        });
      await using other = open();
      const routes = [
        { path: pathOf(content.Content.method.info), run: info },
        { path: pathOf(content.Content.method.read), run: read },
      ];
      await using session = await other.openSession({ attachables: [{ routes }] });
      const lying = source({
        identifier: `oci-layout://example.org/lying@${digestOf(manifest)}`,
        attributes: { "oci.session": session.id, "oci.store": "lying" },
        capabilities: [],
      });
      const reading = lying.file([{ type: "mkdir", path: "/made", mode: 0o755 }]);
      const building = solve(reading, { Session: session.id }, other);
      await assert.rejects(building, refused(message));
    });
  }
});

test("a secret that never ends is refused", async () => {
  await using other = open();
  let sent = 0;
  const run = async (stream: ServedStream) => {
    for (; sent < 300; sent++) await stream.send(Buffer.alloc(1 << 20));
  };
  await using session = await other.openSession({
    attachables: [{ routes: [{ path: pathOf(secrets.Secrets.method.getSecret), run }] }],
  });
  const platform = { os: "linux", architecture: "amd64" };
  const owner = { required: true, mode: 0o400, uid: 0, gid: 0 };
  const mounts = [{ type: "secret", id: "endless", target: "/secret", ...owner }] as const;
  const reading = file("reads").run({ args: ["/none"], env: [], cwd: "/", platform, mounts });
  await assert.rejects(solve(reading, { Session: session.id }, other), refused(/more than one message/));
});

test("archives cannot write outside of their tree", async () => {
  const tar = await run("python3", ["-c", hostileTar, escaped]);
  assert.equal(tar.code, 0, tar.stderr);
  const archive = file("hostile.tar", Buffer.from(tar.stdout.trim(), "base64"));
  const unpacked = scratch.file([
    {
      type: "copy",
      from: archive,
      source: "/hostile.tar",
      destination: "/",
      attemptUnpack: true,
      createDestPath: true,
    },
  ]);
  await solve(unpacked).catch((error: unknown) => assert.ok(error instanceof BuildError));
  assert.ok(!readdirSync("/tmp").includes(escaped));
  assert.ok(!readdirSync(root).includes(escaped));
});
const hostileTar = `
import base64, io, sys, tarfile
out = io.BytesIO(); tar = tarfile.open(fileobj=out, mode="w")
def add(name, type=tarfile.REGTYPE, link="", data=b"escaped"):
    one = tarfile.TarInfo(name); one.type = type; one.linkname = link
    one.size = len(data) if type == tarfile.REGTYPE else 0
    tar.addfile(one, io.BytesIO(data))
escaped = sys.argv[1]
add("../" * 20 + "tmp/" + escaped); add("/tmp/" + escaped)
add("out", tarfile.SYMTYPE, "/tmp"); add("out/" + escaped)
add("up", tarfile.SYMTYPE, "../../../../../../../../tmp"); add("up/" + escaped)
add("hard", tarfile.LNKTYPE, "../../../../../../etc/passwd")
tar.close(); sys.stdout.write(base64.b64encode(out.getvalue()).decode())
`;

suite("a client that leads its own build", () => {
  /** Opens such a build; it ends with `work`, without a result. */
  async function leading(work: (bridge: ReturnType<typeof bridgeOf>, id: string) => Promise<void>): Promise<void> {
    await using other = open();
    const id = randomUUID();
    const over = new AbortController();
    const building = other.solve({ Ref: id }, { signal: over.signal }).catch(() => undefined);
    try {
      await work(bridgeOf(other, id), id);
    } finally {
      over.abort(new Error("never returns"));
      await building;
    }
  }
  function bridgeOf(through: BuildKitClient, id: string) {
    const bridge = createClient(gateway.LLBBridge, through.channel);
    const headers = { "buildkit-controlapi-buildid": id };
    return {
      solve: async (state: State) => {
        const request = { Definition: marshal(state), allowResultReturn: true, allowResultArrayRef: true };
        const { result } = await bridge.solve(request, { headers });
        return result?.result.case === "ref" ? result.result.value.id : "";
      },
      read: async (Ref: string, FilePath: string) => await bridge.readFile({ Ref, FilePath }, { headers }),
      warn: async (short: Uint8Array<ArrayBuffer>) =>
        await bridge.warn({ digest: `sha256:${"a".repeat(64)}`, level: 1n, short }, { headers }),
    };
  }

  test("sees no results but its own, and no files but theirs", async () => {
    await leading(async (mine) => {
      const ref = await mine.solve(
        scratch.file([
          { type: "mkfile", path: "/secret", mode: 0o600, data: Buffer.from("mine") },
          { type: "symlink", path: "/out", target: "../../../../../../../etc/passwd" },
        ]),
      );
      assert.equal(Buffer.from((await mine.read(ref, "/secret")).Data).toString(), "mine");
      for (const path of ["/out", "/../../../../etc/passwd", "/secret\0", "secret/../../etc/passwd"]) {
        await assert.rejects(mine.read(ref, path), BuildError, path);
      }
      await leading(async (theirs) => {
        for (const id of [ref, "", "0", "__proto__"])
          await assert.rejects(theirs.read(id, "/secret"), refused(/^(?:no such|empty) ref/));
      });
    });
  });

  test("may flood the engine with graphs and never return", async () => {
    const data = Buffer.alloc(4 << 20, "x");
    await leading(async ({ solve: add }) => {
      for (let at = 0; at < 100; at++) {
        const adding = Array.from({ length: 2 }, async (_, lane) => await add(file(`flood-${at}-${lane}`, data)));
        const failed = (await Promise.allSettled(adding)).find(({ status }) => status === "rejected");
        if (failed?.status !== "rejected") continue;
        refused(/definitions of a build/)(failed.reason);
        return;
      }
      assert.fail("nobody refused 800 MB of graphs");
    });
  });

  test("may warn of everything and never return", async () => {
    const short = Buffer.alloc(3 << 20, "x");
    await leading(async ({ warn }) => {
      const warnings = async () => {
        for (let at = 0; at < 250; at++) await warn(short);
      };
      await assert.rejects(warnings(), refused(/warnings take more than/));
    });
  });
});

suite("a cache that somebody has made up costs the build nothing but the cache", () => {
  const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
  const layer = (digit: string, parent: number) => ({ blob: digest(digit), parent });
  const many = 60_000;
  for (const [what, config] of [
    [
      "with layers that lie on themselves",
      { layers: [layer("a", 1), layer("b", 0)], records: [{ digest: digest("c"), layers: [{ layer: 0 }] }] },
    ],
    [
      "with records that are each other's input",
      { layers: [], records: [0, 1].map((at) => ({ digest: digest(String(at)), inputs: [[{ link: 1 - at }]] })) },
    ],
    [
      "with numbers out of range",
      {
        layers: [layer("a", -1)],
        records: [{ digest: digest("c"), layers: [{ layer: 7 }], inputs: [[{ link: -1 }]] }],
      },
    ],
    [
      "that unfolds into billions of layers",
      {
        layers: Array.from({ length: many }, (_, at) => layer("a", at - 1)),
        records: Array.from({ length: many }, () => ({ digest: digest("c"), layers: [{ layer: many - 1 }] })),
      },
    ],
    ["that is no JSON", "{".repeat(100_000)],
    ["that is nothing that it should be", [1, "two", null]],
    ["whose bytes are others than it said", undefined],
  ] as const) {
    test(what, async () => {
      const bytes = Buffer.from(typeof config === "string" ? config : JSON.stringify(config ?? {}));
      await using registry = await serveCache(bytes, config === undefined);
      const cache = { Imports: [{ Type: "registry", Attrs: { ref: `${registry.host}/made-up:latest` } }] };
      await solve(file(`imports ${what}`), { Cache: cache });
      assert.ok(registry.asked() > 0);
    });
  }
});

/** A registry that has one cache, of which `config` is the list of contents. */
async function serveCache(config: Buffer, lies: boolean) {
  const sha256 = async (bytes: Buffer) => (await import("../../src/oci/mod.ts")).digestOf(bytes);
  const name = await sha256(lies ? Buffer.from("something else") : config);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [{ mediaType: "application/vnd.buildkit.cacheconfig.v0", digest: name, size: config.length }],
    }),
  );
  let asked = 0;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const isManifest = request.url?.includes("/manifests/");
    if (!isManifest) asked++;
    const bytes = isManifest ? manifest : config;
    response.setHeader(
      "content-type",
      isManifest ? "application/vnd.oci.image.index.v1+json" : "application/octet-stream",
    );
    response.setHeader("content-length", bytes.length);
    response.end(request.method === "HEAD" ? undefined : bytes);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const bound = server.address();
  return {
    host: `127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`,
    asked: () => asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

test("after all that nothing of it is left in the engine's temporary places", async () => {
  const places = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
    ({ name, parentPath }) => /^(?:tmp|run|ingest)$/.test(name) && !parentPath.includes("/layers/"),
  );
  assert.ok(places.length > 0);
  for (const { parentPath, name } of places) {
    let left: readonly string[] = [];
    for (let tries = 0; tries < 1200; tries++) {
      left = await readdir(join(parentPath, name));
      if (left.length === 0) break;
      await new Promise((done) => setTimeout(done, 50));
    }
    assert.deepEqual(left, [], join(parentPath, name));
  }
});
