import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { fetchFrom } from "./mod.ts";

const { signal } = new AbortController();

/** A server of this machine, at a port of these that is free. @returns its address */
async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  ports: readonly number[] = [0],
): Promise<string> {
  for (const port of ports) {
    const server = createServer(answer).listen(port, "127.0.0.1");
    const failure = await Promise.race([once(server, "listening").then(() => undefined), once(server, "error")]).catch(
      (error: unknown) => error,
    );
    if (failure !== undefined) continue;
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  assert.fail(`none of ${ports.join(", ")} is free`);
}

test("a file comes from any port, also from those that browsers stay away from", async (t) => {
  const address = await serve(t, (_, response) => response.end("text"), [6000, 6665, 6666, 6667, 6697, 10_080]);
  await assert.rejects(fetch(address), ({ cause }: Error) => (cause as Error).message === "bad port");
  const response = await fetchFrom(address, { signal });
  assert.deepEqual([response.status, response.ok, await response.text()], [200, true, "text"]);
});

test("redirects are followed, within limits, and take a login to nobody else", async (t) => {
  const seen: (string | undefined)[] = [];
  const other = await serve(t, ({ headers }, response) => {
    seen.push(headers.authorization);
    response.end("there");
  });
  const address = await serve(t, ({ url, headers }, response) => {
    seen.push(headers.authorization);
    const location = { "/here": "/away", "/away": other, "/round": "/round", "/ftp": "ftp://example.org/" }[url ?? ""];
    response.writeHead(302, { location }).end();
  });
  const headers = { authorization: "secret" };
  assert.equal(await (await fetchFrom(`${address}/here`, { headers, signal })).text(), "there");
  assert.deepEqual(seen, ["secret", "secret", undefined]);
  await assert.rejects(fetchFrom(`${address}/round`, { signal }), /stopped after 10 redirects/);
  await assert.rejects(fetchFrom(`${address}/ftp`, { signal }), /unsupported protocol scheme "ftp"/);
});

test("answers are read as they come: compressed, without a body, cut off, called off", async (t) => {
  const address = await serve(t, ({ url }, response) => {
    if (url === "/gzip") response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("packed"));
    else if (url === "/known") response.writeHead(304, { etag: '"x"' }).end();
    else if (url === "/cut") response.writeHead(200, { "content-length": 10 }).write("part", () => response.destroy());
    else if (url === "/endless") response.writeHead(200).write("part");
    else response.writeHead(404).end("none");
  });
  const get = async (path: string, { signal: until } = { signal }) =>
    await fetchFrom(`${address}${path}`, { signal: until });
  assert.equal(await (await get("/gzip")).text(), "packed");
  const known = await get("/known");
  assert.deepEqual([known.status, known.body, known.headers.get("etag")], [304, null, '"x"']);
  assert.deepEqual([(await get("/none")).status, await (await get("/none")).text()], [404, "none"]);
  assert.equal((await fetchFrom(`${address}/none`, { method: "HEAD", signal })).body, null);
  await assert.rejects((await get("/cut")).text(), { code: "ECONNRESET" });
  const stop = new AbortController();
  const endless = await get("/endless", stop);
  const reader = endless.body?.getReader();
  assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), "part");
  stop.abort(new Error("enough"));
  await assert.rejects(async () => await reader?.read(), /enough/);
  await assert.rejects(get("/none", stop), /enough/);
});

test("nobody there is a failure that says so", async (t) => {
  const address = await serve(t, (_, response) => response.end());
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo;
  await new Promise((done) => closed.close(done));
  await assert.rejects(fetchFrom(`http://127.0.0.1:${port}/`, { signal }), { code: "ECONNREFUSED" });
  // A connection that is kept is used again, also when the server has closed it meanwhile.
  for (let count = 0; count < 3; count++) assert.equal(await (await fetchFrom(address, { signal })).text(), "");
});
