import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { uploadBundle } from "./docker-desktop.ts";

const home = await mkdtemp(join(tmpdir(), "polyarch-desktop-"));
after(() => rm(home, { recursive: true, force: true }));
const { signal } = new AbortController();
const upload = (text: string) => uploadBundle(Readable.from([text]), { env: {}, home, signal });
const socket = join(home, ".docker/desktop/docker-desktop-build.sock");

test("a bundle is handed to Docker Desktop, which says where it shows the builds", async () => {
  await mkdir(join(home, ".docker/desktop"), { recursive: true });
  const answers: Readonly<Record<string, string>> = { two: '["a","b"]', none: "null", odd: "{" };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      const isKnown = `${request.method} ${request.url} ${request.headers.host}` === "POST /upload docker-desktop";
      const answer = isKnown ? answers[body] : undefined;
      response.writeHead(answer === undefined ? 400 : 200).end(answer ?? "no bundle");
    });
  }).listen(socket);
  await once(server, "listening");
  try {
    assert.deepEqual(await upload("two"), [
      "docker-desktop://dashboard/build/.imported/_/a",
      "docker-desktop://dashboard/build/.imported/_/b",
    ]);
    assert.deepEqual(await upload("none"), []);
    await assert.rejects(upload("odd"), { message: "failed to decode response" });
    await assert.rejects(upload("bad"), { message: "failed to import build: no bundle" });
  } finally {
    server.close();
    await once(server, "close");
  }
});

test("where there is no Docker Desktop that is said as buildx says it", async () => {
  const why = `Post "http://docker-desktop/upload": dial unix ${socket}: connect: no such file or directory`;
  await assert.rejects(upload("two"), {
    message: `failed to send request, check if Docker Desktop is running: ${why}`,
  });
});
