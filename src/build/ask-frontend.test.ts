import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { control, gateway } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import { BuildKitClient, connect, dialAddress } from "../client/mod.ts";
import { createRpcServer, service } from "../rpc/mod.ts";
import { askFrontend } from "./ask-frontend.ts";

/** An engine that is asked through the gateway; a build of it lasts until its client has done. @param answer what its frontend says */
async function engine(t: TestContext, answer: (options: Readonly<Record<string, string>>) => string) {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-bridge-"));
  const ended = Promise.withResolvers<void>();
  const internal: boolean[] = [];
  const rpc = createRpcServer({
    services: [
      service(control.Control, {
        solve: async ({ Internal }) => {
          internal.push(Internal);
          await ended.promise;
          return {};
        },
      }),
      service(gateway.LLBBridge, {
        ping: () => ({
          LLBCaps: [
            { ID: "exporter.multiple", Enabled: true },
            { ID: "mergeop", Enabled: false },
          ],
          FrontendAPICaps: [{ ID: "readfile", Enabled: true }],
        }),
        solve: ({ FrontendOpt }) => ({
          result: { metadata: { "result.txt": new TextEncoder().encode(answer(FrontendOpt)) } },
        }),
        return: () => {
          ended.resolve();
          return {};
        },
      }),
    ],
  });
  const listener = createServer();
  rpc.serve(listener);
  listener.listen(join(directory, "s"));
  await once(listener, "listening");
  const client = new BuildKitClient(connect({ open: dialAddress(`unix://${directory}/s`) }));
  t.after(async () => {
    await client.close();
    listener.close();
    await rpc.close({ graceMs: 0 });
    await rm(directory, { recursive: true });
  });
  const { signal } = new AbortController();
  const ask = (requestid: string) =>
    askFrontend(client, { ref: "r", sessionId: "s", attrs: { requestid }, entitlements: [], signal });
  return { client, ask, internal, signal };
}

suite("askFrontend()", () => {
  test("gives what the frontend says, of a build that no history tells of", async (t) => {
    const { ask, internal } = await engine(t, ({ requestid }) => `answers ${requestid}`);
    assert.deepEqual(await ask("frontend.lint"), { "result.txt": "answers frontend.lint" });
    assert.deepEqual(internal, [true]);
  });
  test("has an engine whose frontend is too old use a newer one", async (t) => {
    const { ask } = await engine(t, (options) => {
      const newer = options["build-arg:BUILDKIT_SYNTAX"];
      if (newer === undefined) throw new BuildError("unknown", "unsupported request frontend.outline");
      return newer;
    });
    assert.match((await ask("frontend.outline"))["result.txt"] ?? "", /^docker\/dockerfile:1\.7\.1@sha256:/);
  });
  test("says why that could not be", async (t) => {
    const { ask } = await engine(t, (options) => {
      const isNewer = "build-arg:BUILDKIT_SYNTAX" in options;
      throw new BuildError("unknown", isNewer ? "no such host" : "unsupported request frontend.lint");
    });
    await assert.rejects(ask("frontend.lint"), {
      code: "unimplemented",
      message: /^unsupported request frontend\.lint: the engine's frontend is too old .*1\.8\.1@.* no such host$/,
    });
  });
});

test("an engine's capabilities are those that are enabled", async (t) => {
  const { client, signal } = await engine(t, () => "");
  assert.deepEqual([...(await client.capabilities({ signal }))], ["exporter.multiple", "readfile"]);
});
