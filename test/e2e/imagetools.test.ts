import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type IndexedManifest, must, readIndex, run, startRegistry, unpackDocker } from "../lab/mod.ts";
import { openHouse, readMetadata } from "./harness.ts";

const house = await openHouse();
const other = await startRegistry();
after(() => other[Symbol.asyncDispose]());
const { base } = house;
const { host } = house.registry;
let children: readonly IndexedManifest[] = [];
const child = (platform: string): string => {
  const [os, architecture] = platform.split("/");
  const found = children.find((entry) => entry.platform?.os === os && entry.platform?.architecture === architecture);
  return found?.digest ?? assert.fail(`no ${platform} in ${base}`);
};
const raw = (name: string) => must("skopeo", ["inspect", "--tls-verify=false", "--raw", `docker://${name}`]);
const create = (args: readonly string[]) =>
  house.polyarch(["imagetools", "create", "--progress=plain", ...args], { timeoutMs: 180_000 });

before(async () => {
  children = await readIndex(base);
});

async function created(args: readonly string[]): Promise<string> {
  const { code, stderr } = await create(args);
  assert.equal(code, 0, stderr);
  return stderr;
}

suite("beside a real docker buildx", () => {
  let buildx = "";
  let env: Record<string, string> = {};
  before(async () => {
    buildx = join((await unpackDocker("sid")).plugins[0] ?? "", "docker-buildx");
    env = { ...house.env, BUILDX_CONFIG: await house.directory() };
    await must(buildx, ["create", "--name", "nobody", "--driver", "remote", "tcp://127.0.0.1:1"], { env });
  });
  const theirs = (args: readonly string[]) =>
    run(buildx, ["imagetools", "create", "--builder=nobody", "--progress=plain", ...args], { env });

  const cases: readonly (readonly [string, () => readonly string[]])[] = [
    ["an index", () => ["--dry-run", base]],
    ["two manifests", () => ["--dry-run", `${base}@${child("linux/amd64")}`, `${base}@${child("linux/s390x")}`]],
    ["one manifest", () => ["--dry-run", `${base}@${child("linux/arm64")}`]],
    ["one manifest, no index", () => ["--dry-run", "--prefer-index=false", `${base}@${child("linux/arm64")}`]],
    ["some platforms", () => ["--dry-run", "-p", "linux/arm64,linux/arm/v7", "-p", "linux/386", base]],
    ["annotations", () => ["--dry-run", "--annotation", "index,manifest-descriptor[linux/386]:a=b", base]],
    ["appended digests", () => ["--dry-run", "--append", "-t", base, child("linux/386")]],
    ["no source", () => []],
    ["no tag", () => [base]],
    ["no repository", () => ["--dry-run", child("linux/amd64")]],
    ["many repositories", () => ["-t", `${host}/a`, child("linux/amd64"), `${host}/b`]],
    ["no such image", () => ["--dry-run", `${host}/nope`]],
    ["no such platform", () => ["--dry-run", "-p", "windows/amd64", base]],
    ["no such annotation", () => ["--dry-run", "--annotation", "manifest:a=b", base]],
    ["not a name", () => ["--dry-run", "Not-A-Name"]],
    ["not a platform", () => ["--dry-run", "-p", "linux/", base]],
  ];
  for (const [what, args] of cases) {
    test(`${what}: the same bytes or the same error`, async () => {
      const [want, got] = await Promise.all([theirs(args()), create(args())]);
      assert.deepEqual([got.code, got.stdout, got.stderr], [want.code, want.stdout, want.stderr]);
    });
  }
});

test("an image is copied to another registry, under several names, with all its platforms", async () => {
  const names = [`${other.host}/copies/busybox:1`, `${other.host}/copies/busybox:2`, `${host}/again:latest`];
  const metadata = join(await house.directory(), "metadata.json");
  const said = await created([...names.flatMap((name) => ["-t", name]), "--metadata-file", metadata, base]);
  const want = await raw(base);
  for (const name of names) assert.equal(await raw(name), want);
  assert.match(said, /^#\d+ \[internal\] pushing 127\.0\.0\.1:\d+\/copies\/busybox$/m);
  assert.match(said, /^#\d+ [\d.]+ copying sha256:\w+ from \S+busybox:latest to \S+\/copies\/busybox$/m);
  assert.match(said, /^#\d+ [\d.]+ pushing sha256:\w+ to \S+\/copies\/busybox:2$/m);
  const dest = await house.directory();
  await must("skopeo", ["copy", "--quiet", "--all", "--src-tls-verify=false", `docker://${names[0]}`, `oci:${dest}:x`]);
  const told = await readMetadata(metadata);
  assert.equal(told["image.name"], [`${host}/again`, `${other.host}/copies/busybox`].toSorted().join(","));
  // Within one registry nothing is sent: the layers are mounted.
  const sent = (await house.registry.requests()).filter(
    ({ method, path }) => /^PUT|PATCH$/.test(method) && /again\/blobs/.test(path),
  );
  assert.deepEqual(sent, []);
});

test("registries are reached as the builder's configuration says", async (t) => {
  const certs = await house.directory();
  assert.equal((await house.polyarch(["daemon", "certs", certs])).code, 0);
  const file = (name: string) => join(certs, name);
  const tls = { cert: file("daemon/cert.pem"), key: file("daemon/key.pem"), ca: file("ca.pem") };
  const secure = await startRegistry({ tls });
  t.after(() => secure[Symbol.asyncDispose]());
  // As the store has it of a builder that was created with such a configuration.
  const stored = "/etc/buildkit/certs/here";
  const config = `[registry."${secure.host}"]
ca = ["${stored}/ca.pem"]
[[registry."${secure.host}".keypair]]
cert = "${stored}/cert.pem"
key = "${stored}/key.pem"
`;
  const files = {
    "buildkitd.toml": Buffer.from(config),
    "certs/here/ca.pem": await readFile(file("ca.pem")),
    "certs/here/cert.pem": await readFile(file("client/cert.pem")),
    "certs/here/key.pem": await readFile(file("client/key.pem")),
  };
  const Files = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.toString("base64")]));
  const node = {
    Name: "trusting0",
    Endpoint: "unix:///nobody/docker.sock",
    Platforms: null,
    DriverOpts: null,
    Flags: null,
    Files,
  };
  const record = { Name: "trusting", Driver: "docker-container", Nodes: [node], Dynamic: false };
  const instances = join(house.env.BUILDX_CONFIG ?? "", "instances");
  await mkdir(instances, { recursive: true });
  await writeFile(join(instances, "trusting"), JSON.stringify(record));
  const image = `${secure.host}/guarded:1`;
  const refused = await create(["-t", image, base]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /certificate|plain HTTP|HTTPS/i);
  await created(["--builder=trusting", "-t", image, base]);
  const { stdout } = await house.polyarch(["imagetools", "inspect", "--builder=trusting", "--raw", image]);
  assert.equal(stdout, await raw(base));
});

test("single-platform tags become one image, and more platforms are appended to it", async () => {
  for (const name of ["amd64", "arm64"]) {
    await created(["--prefer-index=false", "-t", `${host}/app:1-${name}`, `${base}@${child(`linux/${name}`)}`]);
  }
  await created(["-t", `${host}/app:1`, `${host}/app:1-amd64`, `${host}/app:1-arm64`]);
  assert.deepEqual(
    (await readIndex(`${host}/app:1`)).map(({ digest }) => digest),
    [child("linux/amd64"), child("linux/arm64")],
  );
  await created(["-t", `${host}/app:1`, "--append", `${base}@${child("linux/s390x")}`]);
  assert.equal((await readIndex(`${host}/app:1`)).length, 3);
});

test("a descriptor file says what its platform and annotations are", async () => {
  const file = join(await house.directory(), "descriptor.json");
  const platform = { os: "linux", architecture: "arm64", variant: "v9" };
  await writeFile(file, JSON.stringify({ digest: child("linux/arm64"), platform, annotations: { by: "us" } }));
  const { stdout } = await create(["--dry-run", "-t", base, "-f", file]);
  const { manifests } = JSON.parse(stdout) as { manifests: readonly Record<string, unknown>[] };
  assert.deepEqual(
    manifests.map((entry) => [entry["platform"], entry["annotations"]]),
    [[{ architecture: "arm64", os: "linux", variant: "v9" }, { by: "us" }]],
  );
});

test("a registry that does not answer is named, and the step shows it", async () => {
  const { code, stderr } = await create(["-t", "127.0.0.1:1/x:1", base]);
  assert.equal(code, 1);
  assert.match(stderr, /^#1 ERROR: copy sha256:\w+ from \S+ to 127\.0\.0\.1:1\/x:1: .*connection refused/m);
  assert.match(stderr, /^ERROR: copy .*connection refused/m);
});

test("a registry is asked through the proxy that the environment names", async () => {
  const asked: string[] = [];
  await using proxy = createServer();
  proxy.on("connect", ({ url }, socket) => {
    asked.push(String(url));
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const env = { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, NO_PROXY: "" };
  const { code, stderr } = await house.polyarch(["imagetools", "inspect", "registry.example/app"], { env });
  assert.equal(code, 1);
  assert.match(stderr, /Proxy response \(502\).*registry "registry\.example"/);
  assert.deepEqual([...new Set(asked)], ["registry.example:443"]);
});
