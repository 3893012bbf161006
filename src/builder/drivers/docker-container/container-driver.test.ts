import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { loadDockerConfig } from "../../../docker/mod.ts";
import type { Driver } from "../../driver.ts";
import { dockerContainerDriver } from "./container-driver.ts";

const { signal } = new AbortController();

/** A driver whose Docker Engine is the test's own; what it was asked for, without the API's version. */
async function driverOf(
  t: TestContext,
  answers: (asked: string) => Promise<string>,
): Promise<{ driver: Driver; asked: string[] }> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-container-"));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/_ping") return void response.setHeader("Api-Version", "1.47").end("OK");
    const what = `${request.method} ${request.url?.replace(/^\/v[\d.]+/, "")}`;
    asked.push(what);
    void answers(what).then((body) => response.end(body));
  });
  server.listen(join(directory, "docker.sock"));
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });
  const driver = await dockerContainerDriver({
    node: {
      name: "n0",
      endpoint: `unix://${directory}/docker.sock`,
      driverOpts: {},
      flags: [],
      platforms: [],
      files: {},
    },
    env: {},
    configDirectory: directory,
    config: await loadDockerConfig({ DOCKER_CONFIG: directory }, directory),
  });
  return { driver, asked };
}

suite("removing an engine in a container", () => {
  const running = '{"Id":"1","State":{"Running":true,"Status":"running"}}';

  test("may take longer than the answer that it is there", async (t) => {
    const patience = new AbortController();
    const { driver, asked } = await driverOf(t, async (what) => {
      if (what.startsWith("GET")) return running;
      patience.abort(new Error("too late"));
      return "";
    });
    await driver.remove({ signal, answer: patience.signal, keepState: false, force: true });
    assert.deepEqual(
      asked.map((what) => what.split("?")[0]),
      [
        "GET /containers/buildx_buildkit_n0/json",
        "DELETE /containers/buildx_buildkit_n0",
        "DELETE /volumes/buildx_buildkit_n0_state",
      ],
    );
  });

  test("is given up where nobody answers", async (t) => {
    const patience = new AbortController();
    const { driver, asked } = await driverOf(t, () => {
      patience.abort(new Error("too late"));
      return new Promise(() => undefined);
    });
    await assert.rejects(driver.remove({ signal, answer: patience.signal, keepState: false, force: true }), /too late/);
    assert.equal(asked.length, 1);
  });
});
