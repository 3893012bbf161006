import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import {
  type BuilderRecord,
  BuilderStore,
  decodeRecord,
  encodeRecord,
  randomName,
  storeDirectory,
  validName,
} from "./mod.ts";

const { signal } = new AbortController();
const now = new Date("2026-01-02T03:04:05.678Z");

async function emptyStore(t: TestContext): Promise<BuilderStore> {
  const home = await mkdtemp(join(tmpdir(), "polyarch-store-"));
  t.after(() => rm(home, { recursive: true }));
  return new BuilderStore({}, home);
}

const node = {
  name: "farm0",
  endpoint: "unix:///var/run/docker.sock",
  platforms: [
    { os: "linux", architecture: "amd64" },
    { os: "linux", architecture: "arm", variant: "v7" },
  ],
  driverOpts: { network: "host", "env.A": "<b>" },
  flags: ["--debug"],
  files: { "buildkitd.toml": Buffer.from("debug = true\n") },
};
const farm: BuilderRecord = { name: "farm", driver: "docker-container", nodes: [node], dynamic: false };
/** As docker buildx writes it. */
const farmText =
  '{"Name":"farm","Driver":"docker-container","Nodes":[{"Name":"farm0","Endpoint":"unix:///var/run/docker.sock",' +
  '"Platforms":[{"architecture":"amd64","os":"linux"},{"architecture":"arm","os":"linux","variant":"v7"}],' +
  '"DriverOpts":{"env.A":"\\u003cb\\u003e","network":"host"},"Flags":["--debug"],"Files":{"buildkitd.toml":"ZGVidWcgPSB0cnVlCg=="}}],"Dynamic":false}';

suite("a builder's record", () => {
  test("is written byte for byte as docker buildx writes it, and read back", () => {
    assert.equal(encodeRecord(farm), farmText);
    assert.deepEqual(decodeRecord(farmText, "x"), farm);
  });
  test("has null for what was never said", () => {
    const plain = { ...farm, nodes: [{ ...node, platforms: [], driverOpts: {}, flags: [], files: {} }] };
    assert.match(encodeRecord(plain), /"Platforms":null,"DriverOpts":null,"Flags":null,"Files":null/);
    assert.deepEqual(decodeRecord(encodeRecord(plain), "x"), plain);
  });
  for (const [text, what] of [
    ["", "JSON"],
    ["[]", "not an object"],
    ["{}", "no Name"],
    ['{"Name":"x"}', "no Nodes"],
    ['{"Name":"x","Nodes":{}}', "Nodes is not a list"],
    ['{"Name":"x","Nodes":[{"Name":7}]}', "Nodes\\[0\\].Name is not a string"],
    ['{"Name":"x","Nodes":[{"Name":"x0","Flags":"a"}]}', "Flags is not a list"],
  ] as const) {
    test(`that is broken is refused with its file and the place: ${text || "nothing"}`, () => {
      assert.throws(() => decodeRecord(text, "/store/x"), {
        code: "invalid_argument",
        message: new RegExp(`/store/x: .*${what}`),
      });
    });
  }
});

suite("the store", () => {
  test("keeps builders, with when they were used, until they are removed", async (t) => {
    const store = await emptyStore(t);
    await store.transact((txn) => txn.save({ ...farm, name: "Farm" }, now), { signal });
    assert.deepEqual(
      (await store.list()).map(({ name }) => name),
      ["Farm"],
    );
    assert.equal((await store.builder("FARM"))?.driver, "docker-container");
    assert.equal(await readFile(join(store.directory, "activity/farm"), "utf8"), "2026-01-02T03:04:05Z");
    assert.equal((await store.lastActivity("farm"))?.getTime(), Date.parse("2026-01-02T03:04:05Z"));
    assert.equal((await stat(join(store.directory, "instances/farm"))).mode & 0o777, 0o600);
    assert.equal((await stat(join(store.directory, "instances"))).mode & 0o777, 0o700);
    await store.transact((txn) => txn.remove("farm"), { signal });
    assert.deepEqual(await store.list(), []);
    assert.deepEqual(await readdir(join(store.directory, "activity")), []);
  });
  test("is not made by looking into it", async (t) => {
    const store = await emptyStore(t);
    assert.deepEqual(await store.list(), []);
    assert.equal(await store.builder("x"), undefined);
    assert.equal(await store.current(), undefined);
    await assert.rejects(stat(store.directory), { code: "ENOENT" });
  });
  test("remembers what was selected, and one default for each Docker endpoint", async (t) => {
    const store = await emptyStore(t);
    const current = { key: "unix:///var/run/docker.sock", name: "farm", global: false };
    await store.transact((txn) => txn.setCurrent(current, { asDefault: true }), { signal });
    assert.equal(
      await readFile(join(store.directory, "current"), "utf8"),
      '{"Key":"unix:///var/run/docker.sock","Name":"farm","Global":false}',
    );
    assert.deepEqual(await store.current(), current);
    assert.deepEqual(await readdir(join(store.directory, "defaults")), ["13c4025c96f36e94b348"]);
    assert.equal(await store.default(current.key), "farm");
    await store.transact((txn) => txn.setCurrent(current, { asDefault: false }), { signal });
    assert.equal(await store.default(current.key), undefined);
  });
  test("lets one change happen after the other", async (t) => {
    const store = await emptyStore(t);
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = store.transact(
      async () => {
        order.push("first begins");
        await gate.promise;
        order.push("first ends");
      },
      { signal },
    );
    while (order.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const second = store.transact(async () => void order.push("second"), { signal });
    gate.resolve();
    await Promise.all([first, second]);
    assert.deepEqual(order, ["first begins", "first ends", "second"]);
  });
  test("stops waiting for its lock when that is interrupted", async (t) => {
    const store = await emptyStore(t);
    const interrupt = new AbortController();
    await store.transact(
      async () => {
        const waiting = store.transact(async () => undefined, { signal: interrupt.signal });
        interrupt.abort(new Error("enough"));
        await assert.rejects(waiting, { name: "AbortError" });
      },
      { signal },
    );
  });
  test("says which file cannot be read, and passes over half-written ones", async (t) => {
    const store = await emptyStore(t);
    await store.transact((txn) => txn.save(farm, now), { signal });
    await writeFile(join(store.directory, "instances/.tmp-1"), "{");
    assert.equal((await store.list()).length, 1);
    await writeFile(join(store.directory, "instances/bad"), "{");
    await assert.rejects(store.list(), { message: /instances\/bad: / });
    await writeFile(join(store.directory, "current"), "nonsense");
    await assert.rejects(store.current(), { message: /cannot read .*\/current: / });
  });
  test("has one identity for good", async (t) => {
    const store = await emptyStore(t);
    const identity = await store.nodeIdentity();
    assert.match(identity, /^[0-9a-f]{16}$/);
    assert.equal(await store.nodeIdentity(), identity);
    await chmod(store.directory, 0o700);
  });
  test("that cannot be made is told of, even where making directories ends nowhere", async () => {
    const store = new BuilderStore({ BUILDX_CONFIG: "/proc/polyarch/buildx" }, "/");
    await assert.rejects(
      store.transact(async () => undefined, { signal }),
      { message: /^cannot make \/proc\/polyarch\/buildx: / },
    );
  });
  test("lies where buildx has it", () => {
    assert.equal(storeDirectory({}, "/home/a"), "/home/a/.docker/buildx");
    assert.equal(storeDirectory({ DOCKER_CONFIG: "/d" }, "/home/a"), "/d/buildx");
    assert.equal(storeDirectory({ DOCKER_CONFIG: "/d", BUILDX_CONFIG: "/b" }, "/home/a"), "/b");
  });
});

suite("names", () => {
  test("validName() takes what buildx takes, in lower case", () => {
    assert.equal(validName("My.Builder-1_x"), "my.builder-1_x");
    for (const name of ["", "1x", "-x", "a/b", "a b", "ä"]) {
      assert.throws(() => validName(name), {
        message: `invalid name ${name}, name needs to start with a letter and may not contain symbols, except ._-`,
      });
    }
  });
  test("randomName() tries again when a name is taken, and gives up in the end", async () => {
    const tried: string[] = [];
    const name = await randomName(async (candidate) => tried.push(candidate) < 3);
    assert.match(name, /^[a-z]+_[a-z]+\d$/);
    assert.equal(tried.length, 3);
    assert.match(tried[0] ?? "", /^[a-z]+_[a-z]+$/);
    await assert.rejects(
      randomName(async () => true),
      { message: /failed to generate random name/ },
    );
  });
});
