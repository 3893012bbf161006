import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { decodeDefinition, image, marshal, type State } from "../../../llb/mod.ts";
import { digestOf, parsePlatform } from "../../../oci/mod.ts";
import { Capture } from "../../attestations/mod.ts";
import { LazyResult } from "../lazy-result.ts";
import { captureGraph } from "./capture-graph.ts";
import { imagesFor } from "./platform-images.ts";
import { RequestLedger } from "./request-ledger.ts";
import { RequestScope } from "./request-scope.ts";

const platform = parsePlatform("linux/amd64");
const base = image("x.org/a:1", { platform });
const process = { args: ["x"], env: [], cwd: "/", platform };
const resultOf = (state: State) => {
  const definition = marshal(state);
  const graph = decodeDefinition(definition);
  return new LazyResult(() => Promise.resolve(undefined), { definition, edge: undefined, graph });
};
const call = (frontend: string, attributes: Readonly<Record<string, string>> = {}) => ({
  frontend,
  attributes,
  inputs: {},
});

suite("captureGraph()", () => {
  const graph = decodeDefinition(
    marshal(
      base.run({
        ...process,
        network: "none",
        mounts: [{ type: "secret", target: "/s", id: "s", required: false, mode: 0o400, uid: 0, gid: 0 }],
        secretVariables: [{ name: "T", id: "t", required: true }],
      }),
    ),
  );
  const digest = digestOf("a");
  test("names what sources turned out to be, and what steps could use", () => {
    const capture = captureGraph(graph, () => ({ type: "image", ref: "x.org/a:1", platform, digest, isLocal: false }));
    assert.deepEqual(
      capture.images.map((found) => found.digest),
      [digest],
    );
    assert.deepEqual(capture.secrets, [
      { id: "s", isOptional: true },
      { id: "t", isOptional: false },
    ]);
    assert.deepEqual([capture.hasNetwork, capture.isIncomplete], [false, false]);
  });
  test("knows of networks, and of what it does not know", () => {
    const capture = captureGraph(decodeDefinition(marshal(base.run(process))), () => undefined);
    assert.deepEqual([capture.hasNetwork, capture.isIncomplete], [true, true]);
  });
  test("names repositories with their ref, and what let them in", () => {
    const capture = captureGraph(decodeDefinition(marshal(base)), () => ({
      type: "git",
      remote: "ssh://git@x.org/r",
      ref: "main",
      object: "5".repeat(40),
      bundle: undefined,
      secrets: ["GIT_AUTH_TOKEN"],
      agent: "default",
    }));
    assert.deepEqual(
      capture.git.map(({ url }) => url),
      ["ssh://xxxxx@x.org/r#main"],
    );
    assert.deepEqual(capture.secrets, [{ id: "GIT_AUTH_TOKEN", isOptional: true }]);
    assert.deepEqual(capture.ssh, [{ id: "default", isOptional: true }]);
  });
});

suite("imagesFor()", () => {
  const [amd64, arm64] = [platform, parsePlatform("linux/arm64")];
  const asked = (ref: string, of: typeof platform | undefined) => ({
    ref,
    platform: of,
    digest: undefined,
    isLocal: false,
  });
  const images = [asked("a", amd64), asked("a", arm64), asked("b", amd64), asked("c", undefined)];
  test("leaves out what was asked about for the other platforms", () => {
    assert.deepEqual(imagesFor(arm64, images, [amd64, arm64]), images.slice(1));
  });
  test("keeps everything of a result for one platform", () => {
    assert.deepEqual(imagesFor(undefined, images, [amd64]), images);
  });
});

suite("RequestScope", () => {
  const client = (attributes = {}) => RequestScope.ofClient(call("", attributes), new RequestLedger());
  test("tells what was asked of the innermost frontend that gave a result", () => {
    const scope = client();
    const outer = scope.open(call("dockerfile.v0", { target: "t" }));
    const inner = outer.open(call("gateway.v0", { source: "x" }));
    const result = resultOf(base);
    inner.noteResult(result);
    outer.noteResult(result);
    outer.add(inner);
    assert.equal(scope.ownerOf(result), undefined);
    scope.add(outer);
    const owner = scope.ownerOf(result);
    assert.deepEqual(owner?.describe(new Capture()), {
      configSource: {},
      request: {
        frontend: "gateway.v0",
        args: { source: "x" },
        root: { configSource: {}, request: { frontend: "dockerfile.v0", args: { target: "t" } } },
      },
    });
    assert.equal(result.definition && outer.resultOfPart(result.definition), result);
  });
  test("names the client's own request where that says more", () => {
    const asked = { "build-arg:A": "1", "attest:provenance": "" };
    const own = (scope: RequestScope) => scope.open(call("dockerfile.v0", asked)).describe(undefined).request.root;
    assert.deepEqual(own(client(asked)), { configSource: {}, request: { args: { "build-arg:A": "1" } } });
    assert.equal(own(client({ "attest:provenance": "" })), undefined);
    assert.equal(own(RequestScope.ofClient(call("dockerfile.v0", asked), new RequestLedger())), undefined);
  });
  test("says nothing of plain graphs", () => {
    assert.deepEqual(client({ a: "b" }).describe(new Capture()), { configSource: {}, request: {} });
  });
});

suite("RequestLedger", () => {
  const definition = marshal(base);
  const request = { configSource: {}, request: { frontend: "f", args: { a: "1" } } };
  test("knows who made a graph for as long as it is told", () => {
    const ledger = new RequestLedger();
    const noted = ledger.note(definition, { ...request, request: { ...request.request, root: request } });
    assert.deepEqual(ledger.find(marshal(base)), request);
    assert.equal(ledger.find(marshal(base.run(process))), undefined);
    noted[Symbol.dispose]();
    assert.equal(ledger.find(definition), undefined);
  });
  test("does not choose between different requests for the same graph", () => {
    const ledger = new RequestLedger();
    ledger.note(definition, request);
    const same = ledger.note(definition, { configSource: {}, request: { args: { a: "1" }, frontend: "f" } });
    assert.deepEqual(ledger.find(definition), request);
    same[Symbol.dispose]();
    ledger.note(definition, { configSource: {}, request: { frontend: "g" } });
    assert.equal(ledger.find(definition), undefined);
  });
  test("gives a scope's inputs the requests that made them", () => {
    const ledger = new RequestLedger();
    ledger.note(definition, request);
    const scope = RequestScope.ofClient(call(""), ledger);
    const opened = scope.open({ frontend: "dockerfile.v0", attributes: {}, inputs: { base: definition } });
    assert.deepEqual(opened.describe(undefined).request.inputs, { base: request });
  });
});
