import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pb } from "../../src/api/mod.ts";
import { BuildError } from "../../src/base/errors/mod.ts";
import { BuildKitClient, connect, dialAddress } from "../../src/client/mod.ts";
import { image, llbCapabilities, marshal, scratch, type State } from "../../src/llb/mod.ts";
import { processes, startEngine } from "../lab/mod.ts";
import { addGraph, inContainer, leading, running } from "./gateway-client.ts";
import { gone, openHouse } from "./harness.ts";

const house = await openHouse();
const address = `unix://${join(await house.directory(), "engine.sock")}`;
house.own(await startEngine(["--addr", address]));
const client = house.own(new BuildKitClient(connect({ open: dialAddress(address) })));

const platform = { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" };
const base = image(house.base, { platform });
const sh = (script: string, on: State = base) => on.run({ args: ["sh", "-c", script], env: [], cwd: "/", platform });
const file = (path: string, text: string, on: State = scratch) =>
  on.file([{ type: "mkfile", path, mode: 0o644, data: Buffer.from(text) }]);

interface Info {
  readonly filename: string;
  readonly language: string;
  readonly definition: { readonly def: readonly string[] };
}
const asBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

/** The JSON of an error's detail. */
function detail(error: unknown, type: string): Record<string, unknown> | undefined {
  assert.ok(error instanceof BuildError, String(error));
  const found = error.details.find(({ typeUrl }) => typeUrl === `github.com/moby/buildkit/${type}+json`);
  return found && (JSON.parse(Buffer.from(found.value).toString()) as Record<string, unknown>);
}
const failureOf = async (work: Promise<unknown>): Promise<unknown> =>
  await work.then(
    () => assert.fail("did not fail"),
    (error: unknown) => error,
  );

suite("what a client is told of a step that fails", () => {
  test("is the op, and what is left of it, for containers in which people look into the matter", async () => {
    await leading(client, async (bridge) => {
      const ref = await addGraph(bridge, sh("echo $RANDOM-$$ > /left; exit 42", file("/before", "before", base)));
      const error = await failureOf(bridge.evaluate({ Ref: ref }));
      assert.ok(error instanceof BuildError);
      assert.equal(error.code, "unknown"); // any other is shown in front of the words
      assert.deepEqual(detail(error, "gatewayapi.ExitMessage"), { Code: 42 });
      assert.match(String(detail(error, "errdefs.Vertex")?.["digest"]), /^sha256:/);
      const solve = detail(error, "errdefs.Solve") as {
        op: { exec: { meta: { args: string[] } }; platform: object };
        inputIDs: string[];
        mountIDs: string[];
      };
      assert.deepEqual(solve.op.exec.meta.args, ["sh", "-c", "echo $RANDOM-$$ > /left; exit 42"]);
      assert.deepEqual(solve.op.platform, { Architecture: platform.architecture, OS: "linux" });
      const [[left = ""], [begun = ""]] = [solve.mountIDs, solve.inputIDs];
      const command = ["sh", "-c", "cat /before; echo; test -s /left && echo left; true"];
      assert.equal((await inContainer(bridge, left, command)).stdout, "before\nleft\n");
      assert.equal((await inContainer(bridge, begun, command)).stdout, "before\n");
      const again = detail(await failureOf(bridge.readFile({ Ref: ref, FilePath: "/left" })), "errdefs.Solve");
      assert.deepEqual(again?.["mountIDs"], [left]);
    });
    await house.settled();
  });

  test("names the action of a file op, and what could not be read", async () => {
    await leading(client, async (bridge) => {
      const missing = scratch.file([{ type: "copy", from: base, source: "/nowhere", destination: "/" }]);
      const unreadable = await failureOf(addGraph(bridge, missing, { Evaluate: true }));
      assert.match((unreadable as Error).message, /^failed to compute cache key: .*"\/nowhere": not found$/);
      const solve = detail(unreadable, "errdefs.Solve");
      assert.deepEqual(solve?.["cache"], {});
      assert.equal((solve?.["inputIDs"] as string[] | undefined)?.length, 1);
      const two = scratch.file([
        { type: "mkdir", path: "/a", mode: 0o755 },
        { type: "mkdir", path: "/b/c", mode: 0o755 },
      ]);
      const failed = await failureOf(addGraph(bridge, two, { Evaluate: true }));
      assert.deepEqual(detail(failed, "errdefs.Solve")?.["file"], { index: "1" });
    });
  });

  test("names the frontend that it comes from", async () => {
    await leading(client, async (bridge) => {
      const ask = async (dockerfile: string, more: object = {}) =>
        await failureOf(
          bridge.solve({
            Frontend: "dockerfile.v0",
            FrontendInputs: { dockerfile: marshal(file("/Dockerfile", dockerfile)), context: marshal(scratch) },
            allowResultReturn: true,
            ...more,
          }),
        );
      const mistake = await ask("FROM scratch\nCPY a b\n");
      assert.deepEqual(detail(mistake, "errdefs.Frontend"), { name: "dockerfile.v0" });
      const { info, ranges } = detail(mistake, "errdefs.Source") as { info: Info; ranges: object[] };
      assert.deepEqual([info.filename, info.language], ["Dockerfile", "Dockerfile"]);
      assert.deepEqual(info.definition.def, marshal(file("/Dockerfile", "FROM scratch\nCPY a b\n")).def.map(asBase64));
      assert.deepEqual(ranges, [{ start: { line: 2 }, end: { line: 2 } }]);
      const request = await ask("FROM scratch\n", { FrontendOpt: { requestid: "frontend.nothing" } });
      assert.deepEqual(detail(request, "errdefs.Subrequest"), { name: "frontend.nothing" });
      const capability = await ask("FROM scratch\n", { FrontendOpt: { "frontend.caps": "x.nothing" } });
      assert.equal((capability as BuildError).code, "unimplemented");
      const failing = await ask(`FROM ${house.base}\nRUN exit \\\n3\n`, { Evaluate: true });
      const [first, second] = [{ line: 2 }, { line: 3 }];
      const placed = detail(failing, "errdefs.Source") as { info: Info; ranges: object[] };
      assert.deepEqual(
        placed.ranges,
        [first, second].map((line) => ({ start: line, end: line })),
      );
      assert.equal(placed.info.language, "Dockerfile");
      assert.ok(placed.info.definition.def.length > 0);
      assert.equal(detail(failing, "errdefs.Frontend"), undefined);
      const { description, op } = detail(failing, "errdefs.Solve") as { description: object; op: { exec: object } };
      assert.deepEqual(description, {
        "com.docker.dockerfile.v1.command": "RUN exit 3",
        "llb.customname": "[2/2] RUN exit 3",
      });
      assert.ok(op.exec);
    });
  });
});

test("files of a result are read in ranges, through links, and told by the last part of their names", async () => {
  await leading(client, async (bridge) => {
    const state = file(
      "/dir/a",
      "0123456789",
      scratch.file([{ type: "mkdir", path: "/dir/sub", mode: 0o755, makeParents: true }]),
    ).file([{ type: "symlink", path: "/link", target: "dir/a" }]);
    const Ref = await addGraph(bridge, state);
    const read = async (Offset: bigint, Length: bigint) =>
      Buffer.from((await bridge.readFile({ Ref, FilePath: "/link", Range: { Offset, Length } })).Data).toString();
    assert.deepEqual(
      [await read(2n, 3n), await read(8n, 100n), await read(20n, 1n), await read(2n, 0n)],
      ["234", "89", "", ""],
    );
    await assert.rejects(read(-1n, 3n), /negative offset/);
    const { stat } = await bridge.statFile({ Ref, Path: "/link" });
    assert.deepEqual([stat?.path, stat?.size], ["a", 10n]);
    const list = async (IncludePattern: string) =>
      (await bridge.readDir({ Ref, DirPath: "/dir", IncludePattern })).entries.map(({ path }) => path);
    assert.deepEqual([await list(""), await list("a*"), await list("sub/x")], [["a", "sub"], ["a"], ["sub"]]);
    await assert.rejects(bridge.readDir({ Ref, DirPath: "/dir/a" }), /not a directory/);
    await assert.rejects(
      bridge.statFile({ Ref, Path: "/none" }),
      /^BuildError: lstat \/none: no such file or directory$/,
    );
  });
});

test("a container with nothing at its root is there to be looked into", async () => {
  await leading(client, async (bridge) => {
    const [ContainerID, resultID] = [randomUUID(), await addGraph(bridge, file("/a", "text"))];
    await bridge.newContainer({
      ContainerID,
      Mounts: [
        { dest: "/x", resultID, readonly: true },
        { dest: "/y", resultID },
      ],
    });
    for (const MountIndex of [0, 1]) {
      const at = { Ref: ContainerID, MountIndex };
      assert.equal(Buffer.from((await bridge.readFileContainer({ ...at, FilePath: "/a" })).Data).toString(), "text");
      assert.equal((await bridge.statFileContainer({ ...at, Path: "/a" })).stat?.size, 4n);
      const { entries } = await bridge.readDirContainer({ ...at, DirPath: "/" });
      assert.deepEqual(
        entries.map(({ path }) => path),
        ["a"],
      );
    }
    assert.match((await running(bridge, ContainerID, ["true"])).error, /has no rootfs: nothing is mounted at \//);
    await bridge.releaseContainer({ ContainerID });
    const cache = { dest: "/", mountType: pb.MountType.CACHE, cacheOpt: { ID: "x" } };
    await assert.rejects(bridge.newContainer({ ContainerID, Mounts: [cache] }), /invalid mount type CACHE for \//);
  });
});

test("warnings of a client reach whoever follows the build, whole", async () => {
  const text = (words: string) => Buffer.from(words);
  const digest = `sha256:${"a".repeat(64)}`;
  const { status } = await leading(client, async (bridge) => {
    const info = { filename: "file", data: text("line"), language: "Words" };
    const ranges = [{ start: { line: 1, character: 2 }, end: { line: 3, character: 4 } }];
    const detail = [text("first"), text("second")];
    await bridge.warn({ digest, level: 2n, short: text("short"), detail, url: "https://example.org", info, ranges });
    await bridge.warn({ digest, short: text("bare"), info });
    await bridge.return({ result: {} });
  });
  const warnings = status.flatMap((message) => message.warnings);
  const [whole, bare] = warnings;
  assert.equal(warnings.length, 2);
  assert.deepEqual(
    [whole?.vertex, whole?.level, whole?.url, whole?.detail.map(String).length, whole?.info?.language],
    [digest, 2n, "https://example.org", 2, "Words"],
  );
  assert.equal(whole?.ranges[0]?.end?.character, 4);
  assert.deepEqual([bare?.level, bare?.info?.filename, bare?.ranges], [1n, "file", []]);
  assert.deepEqual(
    status.flatMap(({ vertexes }) => vertexes),
    [],
  );
});

test("what graphs may ask of the engine is all that there is, but for what it lacks", async () => {
  await leading(client, async (bridge) => {
    const { LLBCaps } = await bridge.ping({});
    const told = new Set(LLBCaps.flatMap(({ ID, Enabled }) => (Enabled ? [ID] : [])));
    const lacking = llbCapabilities.filter((id) => !told.has(id));
    assert.deepEqual(lacking, ["exec.meta.network.proxy"]);
  });
});

suite("the end of a build that a client leads", () => {
  test("is what it returns: a tree, none, or its own error with all details", async () => {
    const metadata = { "frontend.word": Buffer.from("said"), other: Buffer.from("kept to itself") };
    const made = await leading(client, async (bridge, outcome) => {
      const id = await addGraph(bridge, file("/a", "a"));
      await assert.rejects(
        bridge.return({ result: { result: { case: "ref", value: { id: "other" } } } }),
        /return reference other not found/,
      );
      await assert.rejects(bridge.return({}), /gateway return must be either result or err/);
      await bridge.return({ result: { result: { case: "ref", value: { id } }, metadata } });
      await outcome;
    });
    assert.deepEqual({ ...(await made.outcome).ExporterResponse }, { "frontend.word": "said" });
    await leading(client, async (bridge, outcome) => {
      assert.equal(await addGraph(bridge, scratch), "");
      await bridge.return({ result: { result: { case: "ref", value: { id: "" } } } });
      await outcome;
    });
    const failed = await leading(client, async (bridge, outcome) => {
      const details = [{ typeUrl: "example.org/own", value: Buffer.from("{}") }];
      await bridge.return({ error: { code: 5, message: "my words", details } });
      await failureOf(outcome);
    });
    const error = await failureOf(failed.outcome);
    assert.equal((error as Error).message, "my words");
    assert.ok((error as BuildError).details.some(({ typeUrl }) => typeUrl === "example.org/own"));
  });

  test("may come with the last graph, as old clients have it", async () => {
    await leading(client, async (bridge, outcome) => {
      const Definition = marshal(file("/a", "a"));
      await assert.rejects(bridge.solve({ Definition, Final: true, ExporterAttr: Buffer.from("{") }), /malformed/);
      const ExporterAttr = Buffer.from(JSON.stringify({ "frontend.word": Buffer.from("said").toString("base64") }));
      assert.notEqual((await bridge.solve({ Definition, Final: true, ExporterAttr })).ref, "");
      assert.equal((await outcome).ExporterResponse["frontend.word"], "said");
    });
  });

  test("comes with its client's: containers and their processes go, the engine stays", async () => {
    const word = randomUUID();
    await leading(client, async (bridge) => {
      const ref = await addGraph(bridge, base);
      void inContainer(bridge, ref, ["sh", "-c", `trap '' TERM INT; echo ${word}; while :; do sleep 1; done`]).catch(
        () => undefined,
      );
      while (!processes().some(({ command }) => command.includes(word))) await sleep(20);
    });
    await gone(word);
    await leading(client, async (bridge) => await bridge.return({ result: {} }));
  });
});
