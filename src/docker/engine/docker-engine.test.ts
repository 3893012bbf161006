import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { dockerEngineAddress } from "./address.ts";
import { DockerEngine } from "./docker-engine.ts";

const signal = AbortSignal.timeout(30_000);

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
  test("takes DOCKER_HOST, then the context, then the usual socket", async (t) => {
    const configDirectory = await mkdtemp(join(tmpdir(), "polyarch-docker-"));
    t.after(() => rm(configDirectory, { recursive: true }));
    const meta = join(configDirectory, "contexts/meta", createHash("sha256").update("far").digest("hex"));
    await mkdir(meta, { recursive: true });
    await writeFile(
      join(meta, "meta.json"),
      JSON.stringify({ Name: "far", Endpoints: { docker: { Host: "tcp://far:2375" } } }),
    );
    const address = (env: Record<string, string>, currentContext?: string) =>
      dockerEngineAddress({ env, configDirectory, currentContext });
    assert.equal((await address({})).socketPath, "/var/run/docker.sock");
    assert.equal((await address({}, "far")).origin, "http://far:2375");
    assert.equal((await address({ DOCKER_CONTEXT: "default" }, "far")).socketPath, "/var/run/docker.sock");
    assert.equal((await address({ DOCKER_HOST: "unix:///x.sock" }, "far")).socketPath, "/x.sock");
    await assert.rejects(address({ DOCKER_CONTEXT: "nowhere" }), { code: "not_found" });
    await assert.rejects(address({ DOCKER_HOST: "ssh://me@there" }), { code: "unimplemented", message: /ssh/ });
    await assert.rejects(address({ DOCKER_HOST: "tcp://x:2376", DOCKER_TLS_VERIFY: "1" }), { message: /TLS/ });
    await assert.rejects(address({ DOCKER_HOST: "nonsense" }), { code: "invalid_argument" });
  });
});
