import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { listContexts } from "../contexts/mod.ts";
import { dockerEngineAddress, engineAddressOf } from "./address.ts";
import { DockerEngine } from "./docker-engine.ts";

const signal = AbortSignal.timeout(600_000);

/** A directory for the test, and an engine on a unix socket in it. */
async function engine(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<unknown>,
): Promise<DockerEngine> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-docker-"));
  const server = createServer((request, response) => void answer(request, response)).listen(
    join(directory, "docker.sock"),
  );
  const address = await dockerEngineAddress({
    env: { DOCKER_HOST: `unix://${directory}/docker.sock` },
    configDirectory: directory,
  });
  const client = await DockerEngine.open(address);
  t.after(async () => {
    await client.close();
    server.close();
    await rm(directory, { recursive: true });
  });
  return client;
}

async function* chunks(count: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; at++) yield new Uint8Array(64 * 1024).fill(at);
}

suite("DockerEngine", () => {
  test("streams an archive, and tells what the engine says", async (t) => {
    const seen = createHash("sha256");
    const docker = await engine(t, async (request, response) => {
      if (request.url === "/_ping") return void response.end("OK");
      assert.equal(`${request.method} ${request.url}`, "POST /images/load?quiet=1");
      assert.equal(request.headers["content-type"], "application/x-tar");
      for await (const chunk of request) seen.update(chunk as Buffer);
      response.end('{"stream":"Loaded image: x:latest\\n"}\n');
    });
    const messages: string[] = [];
    await docker.ping({ signal });
    await docker.loadImage(chunks(50), { signal, onMessage: (text) => messages.push(text) });
    const want = createHash("sha256");
    for await (const chunk of chunks(50)) want.update(chunk);
    assert.equal(seen.digest("hex"), want.digest("hex"));
    assert.deepEqual(messages, ["Loaded image: x:latest"]);
  });
  test("fails with the engine's words, in the status or in the middle of the answer", async (t) => {
    let answer: [number, string] = [500, '{"message":"no space left on device"}'];
    const docker = await engine(t, async (request, response) => {
      for await (const _ of request);
      if (request.url === "/_ping") return void response.end("OK");
      response.writeHead(answer[0]).end(answer[1]);
    });
    await assert.rejects(docker.loadImage(chunks(1), { signal }), {
      message: /did not take the image: no space left on device/,
    });
    answer = [200, '{"stream":"x"}\n{"errorDetail":{"message":"bad tar"},"error":"bad tar"}\n'];
    await assert.rejects(docker.loadImage(chunks(1), { signal }), { message: /did not take the image: bad tar/ });
  });
  test("says where it looked when there is no engine", async () => {
    const address = await dockerEngineAddress({
      env: { DOCKER_HOST: "unix:///nonexistent/docker.sock" },
      configDirectory: "/",
    });
    await using docker = await DockerEngine.open(address);
    await assert.rejects(docker.ping({ signal }), {
      code: "unavailable",
      message: "Cannot connect to the Docker daemon at unix:///nonexistent/docker.sock. Is the docker daemon running?",
    });
  });
});

suite("dockerEngineAddress()", () => {
  const setUp = async (t: TestContext) => {
    const configDirectory = await mkdtemp(join(tmpdir(), "polyarch-docker-"));
    t.after(() => rm(configDirectory, { recursive: true }));
    const store = async (name: string, docker: Record<string, unknown>, tls: Record<string, string> = {}) => {
      const id = createHash("sha256").update(name).digest("hex");
      const meta = join(configDirectory, "contexts/meta", id);
      await mkdir(meta, { recursive: true });
      const json = { Name: name, Metadata: { Description: `about ${name}` }, Endpoints: { docker } };
      await writeFile(join(meta, "meta.json"), JSON.stringify(json));
      const certificates = join(configDirectory, "contexts/tls", id, "docker");
      if (Object.keys(tls).length > 0) await mkdir(certificates, { recursive: true });
      for (const [file, text] of Object.entries(tls)) await writeFile(join(certificates, file), text);
    };
    return { configDirectory, store };
  };
  test("takes DOCKER_HOST, then the context, then the usual socket", async (t) => {
    const { configDirectory, store } = await setUp(t);
    await store("far", { Host: "tcp://far:2375" });
    const address = async (env: Record<string, string>, currentContext?: string) =>
      await dockerEngineAddress({ env, configDirectory, currentContext });
    assert.equal((await address({})).text, "unix:///var/run/docker.sock");
    const far = { type: "tcp", text: "tcp://far:2375", host: "far", port: 2375 };
    assert.deepEqual(await address({}, "far"), far);
    assert.equal((await address({ DOCKER_CONTEXT: "default" }, "far")).text, "unix:///var/run/docker.sock");
    assert.deepEqual(await address({ DOCKER_HOST: "unix:///x.sock" }, "far"), {
      type: "unix",
      text: "unix:///x.sock",
      path: "/x.sock",
    });
    const ssh = await address({ DOCKER_HOST: "ssh://me@there:2222/run/d.sock" });
    assert.deepEqual(ssh.type === "ssh" && ssh.target, {
      user: "me",
      host: "there",
      port: 2222,
      socket: "/run/d.sock",
    });
    await assert.rejects(address({ DOCKER_CONTEXT: "nowhere" }), { code: "not_found" });
    for (const wrong of [
      "no sense",
      "tcp://",
      "tcp://a:b",
      "npipe:////./pipe/x",
      "ssh://a:b@c",
      "ssh://-oX=y",
      "ssh://c?q",
    ]) {
      await assert.rejects(address({ DOCKER_HOST: wrong }), { code: "invalid_argument" }, wrong);
    }
  });
  test("takes certificates from the context, or from the environment", async (t) => {
    const { configDirectory, store } = await setUp(t);
    await store("tls", { Host: "tcp://far:2376" }, { "ca.pem": "CA", "cert.pem": "CERT", "key.pem": "KEY" });
    await store("lax", { Host: "tcp://far:2376", SkipTLSVerify: true });
    await store("plain", { Host: "tcp://far:2375" });
    const address = (env: Record<string, string>) => dockerEngineAddress({ env, configDirectory });
    const tls = async (env: Record<string, string>) => {
      const found = await address(env);
      return found.type === "tcp" ? found.tls : undefined;
    };
    const files = { ca: Buffer.from("CA"), cert: Buffer.from("CERT"), key: Buffer.from("KEY") };
    assert.deepEqual(await tls({ DOCKER_CONTEXT: "tls" }), { ...files, verify: true });
    assert.deepEqual(await tls({ DOCKER_CONTEXT: "lax" }), { verify: false });
    assert.equal(await tls({ DOCKER_CONTEXT: "plain" }), undefined);
    const certs = join(configDirectory, "certs");
    await mkdir(certs);
    const host = { DOCKER_HOST: "tcp://far", DOCKER_CERT_PATH: certs };
    await assert.rejects(tls({ ...host, DOCKER_TLS_VERIFY: "1" }), {
      message: /could not read CA certificate .*ca\.pem/,
    });
    await writeFile(join(certs, "ca.pem"), "CA");
    const { ca } = files;
    assert.deepEqual(await tls({ ...host, DOCKER_TLS_VERIFY: "1" }), {
      ca,
      cert: undefined,
      key: undefined,
      verify: true,
    });
    assert.equal((await tls({ ...host, DOCKER_TLS: "1" }))?.verify, false);
    assert.equal(await tls(host), undefined);
    const names = (await listContexts(configDirectory)).map(({ name, description }) => [name, description]);
    assert.deepEqual(
      names,
      ["lax", "plain", "tls"].map((name) => [name, `about ${name}`]),
    );
  });
  test("of a node is that of a context, or an address of its own", async (t) => {
    const { configDirectory, store } = await setUp(t);
    await store("far", { Host: "tcp://far:2375" });
    const env = { DOCKER_HOST: "unix:///mine.sock", DOCKER_TLS_VERIFY: "" };
    const text = async (endpoint: string) => (await engineAddressOf(endpoint, { env, configDirectory })).text;
    assert.equal(await text("default"), "unix:///mine.sock");
    assert.equal(await text("far"), "tcp://far:2375");
    assert.equal(await text("tcp://x:1"), "tcp://x:1");
    await assert.rejects(text("nowhere"), { code: "not_found", message: /context "nowhere" does not exist/ });
  });
});
