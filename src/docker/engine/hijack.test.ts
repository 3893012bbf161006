import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { parseDockerHost } from "./address.ts";
import { DockerEngine } from "./docker-engine.ts";
import { FrameReader } from "./multiplexed.ts";

const signal = AbortSignal.timeout(600_000);

type Answer = (request: IncomingMessage, socket: Socket) => void;

/** An engine that gives `answer` the connection of whoever asks for one, and runs every exec to exit code 7. */
async function engine(t: TestContext, answer: Answer): Promise<DockerEngine> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-docker-"));
  const path = join(directory, "docker.sock");
  const server = createServer((request, response) => {
    response.setHeader("api-version", "1.41");
    if (request.url === "/_ping") response.end("OK");
    else if (request.url?.endsWith("/exec")) response.writeHead(201).end('{"Id":"e1"}');
    else if (request.url === "/v1.41/exec/e1/json") response.end('{"ExitCode":7,"Running":false}');
    else response.writeHead(404).end('{"message":"page not found"}');
  });
  server.on("upgrade", (request, socket) => answer(request, socket as Socket));
  server.listen(path);
  const docker = await DockerEngine.open(parseDockerHost(`unix://${path}`), { env: {} });
  t.after(async () => {
    await docker.close();
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });
  return docker;
}

function frame(kind: number, text: string): Buffer {
  const header = Buffer.from([kind, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

const switching = (protocol: string) => `HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;

suite("a hijacked connection", () => {
  test("gives what came with the answer, then goes both ways", async (t) => {
    let asked: IncomingMessage | undefined;
    const docker = await engine(t, (request, socket) => {
      asked = request;
      socket.write(`${switching("h2c")}at once`);
      socket.on("data", (data) => socket.end(`got ${data.toString()}`));
    });
    const stream = await docker.openSession({
      signal,
      headers: [
        ["x-one", "1"],
        ["x-one", "2"],
      ],
    });
    stream.end("more");
    assert.equal(Buffer.concat(await stream.toArray()).toString(), "at oncegot more");
    assert.equal(asked?.url, "/session");
    assert.deepEqual([asked.headers.upgrade, asked.headers.host, asked.headers["x-one"]], ["h2c", "", "1, 2"]);
  });
  test("is refused with the engine's words", async (t) => {
    const docker = await engine(t, (_request, socket) => {
      socket.end('HTTP/1.1 400 Bad\r\nContent-Length: 33\r\n\r\n{"message":"protocol not support"}');
    });
    await assert.rejects(docker.openBuildKit({ signal }), {
      code: "unavailable",
      message: /unable to upgrade to h2c, received 400: .*protocol not support/,
    });
    const mute = await engine(t, (_request, socket) => socket.destroy());
    await assert.rejects(mute.openBuildKit({ signal }), { code: "unavailable" });
  });
  test("is given up when the caller leaves", async (t) => {
    const docker = await engine(t, () => undefined);
    const leave = new AbortController();
    const waiting = docker.openBuildKit({ signal: leave.signal });
    leave.abort(new Error("left"));
    await assert.rejects(waiting, { message: "left" });
  });
});

suite("a program in a container", () => {
  test("is run to its end, with stdout and stderr apart", async (t) => {
    const docker = await engine(t, (request, socket) => {
      assert.equal(request.url, "/v1.41/exec/e1/start");
      const both = Buffer.concat([frame(1, "to the left\n"), frame(2, "to the right\n"), frame(1, "again\n")]);
      socket.write(switching("tcp"));
      for (const byte of both.subarray(0, 20)) socket.write(Buffer.from([byte]));
      socket.end(both.subarray(20));
    });
    assert.deepEqual(await docker.containers.exec("c", ["x"], { signal }), {
      exitCode: 7,
      stdout: "to the left\nagain\n",
      stderr: "to the right\n",
    });
  });
  test("is a stream, raw on the way in and in frames on the way out", async (t) => {
    const docker = await engine(t, (_request, socket) => {
      socket.write(switching("tcp"));
      socket.on("data", (data) => socket.write(frame(1, data.toString().toUpperCase())));
      socket.on("end", () => socket.end(frame(2, "too late to matter")));
    });
    const stream = await docker.containers.execStream("c", ["cat"], { signal });
    stream.end("hello");
    assert.equal(Buffer.concat(await stream.toArray()).toString(), "HELLO");
  });
  test("that only complains fails with its words", async (t) => {
    const docker = await engine(t, (_request, socket) => {
      socket.end(Buffer.concat([Buffer.from(switching("tcp")), frame(2, "no such socket\n")]));
    });
    const stream = await docker.containers.execStream("c", ["x"], { signal });
    await assert.rejects(stream.toArray(), { message: "no such socket" });
  });
});

test("frames of a kind that nobody knows are no stream", () => {
  assert.throws(() => [...new FrameReader().push(Buffer.from("HTTP/1.1 "))], /unrecognized stream: 72/);
});
