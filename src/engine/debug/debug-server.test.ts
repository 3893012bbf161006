import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { after, suite, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { control, profile, status } from "../../api/mod.ts";
import { create, fromBinary, timestampFromDate } from "../../base/protobuf/mod.ts";
import { DebugServer } from "./mod.ts";

const debug = await DebugServer.open();
const listener = createServer().listen(0, "127.0.0.1");
await once(listener, "listening");
debug.serve(listener);
after(() => {
  listener.close();
  debug[Symbol.dispose]();
});
const origin = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
const get = async (path: string) => await fetch(origin + path);
const textOf = async (path: string) => await (await get(path)).text();

const record = (seconds: number, code = 0) =>
  create(control.BuildHistoryRecordSchema, {
    CreatedAt: timestampFromDate(new Date(0)),
    CompletedAt: timestampFromDate(new Date(seconds * 1000)),
    numCompletedSteps: 3,
    numTotalSteps: 4,
    ...(code === 0 ? {} : { error: create(status.StatusSchema, { code, message: "why" }) }),
  });

/** The texts of a profile, and its samples as the names of their functions, from the innermost call outwards. */
async function profileOf(path: string) {
  const response = await get(path);
  assert.equal(response.status, 200);
  const read = fromBinary(profile.ProfileSchema, gunzipSync(new Uint8Array(await response.arrayBuffer())));
  const text = (at: bigint) => read.stringTable[Number(at)] ?? "";
  const functions = new Map(read.function.map(({ id, name }) => [id, text(name)]));
  const locations = new Map(read.location.map(({ id, line }) => [id, functions.get(line[0]?.functionId ?? 0n)]));
  return {
    types: read.sampleType.map(({ type, unit }) => `${text(type)} ${text(unit)}`),
    stacks: read.sample.map(({ locationId, value }) => ({ stack: locationId.map((id) => locations.get(id)), value })),
  };
}

suite("the debug address", () => {
  test("tells whether the engine is up", async () => {
    assert.equal((await get("/healthz")).status, 503);
    debug.setReady(true);
    const response = await get("/healthz");
    assert.deepEqual([response.status, await response.text()], [200, "ok\n"]);
    debug.setReady(false);
    assert.equal((await get("/healthz")).status, 503);
  });

  test("counts builds under buildkitd's names", async () => {
    debug.addBuild(record(3));
    debug.addBuild(record(40));
    debug.addBuild(record(0.05, 5));
    const response = await get("/metrics");
    assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4;/);
    const lines = (await response.text()).split("\n");
    for (const line of [
      'buildkit_builds_total{status="success"} 2',
      'buildkit_builds_total{status="failure",error_code="NotFound"} 1',
      'buildkit_builds_steps_total{kind="completed"} 9',
      'buildkit_builds_steps_total{kind="total"} 12',
      'buildkit_build_duration_seconds_bucket{status="success",le="5"} 1',
      'buildkit_build_duration_seconds_bucket{status="success",le="+Inf"} 2',
      'buildkit_build_duration_seconds_sum{status="success"} 43',
      'buildkit_build_duration_seconds_count{status="failure"} 1',
    ]) {
      assert.ok(lines.includes(line), `${line} is missing from\n${lines.join("\n")}`);
    }
    const rss = lines.find((line) => line.startsWith("process_resident_memory_bytes "));
    assert.ok(Number(rss?.split(" ")[1]) > 1e6, `${rss}`);
  });

  test("shows calls while they last, and measures them", async () => {
    const ended = debug.observer.begin({ path: "/moby.buildkit.v1.Control/Solve" });
    assert.match(
      await textOf("/debug/requests"),
      /^1 calls under way\n.*Z \d+\.\d{3}s \/moby\.buildkit\.v1\.Control\/Solve\n$/,
    );
    ended("canceled", undefined);
    debug.observer.begin({ path: "/grpc.health.v1.Health/Check" })("ok", undefined);
    assert.equal(await textOf("/debug/requests"), "0 calls under way\n");
    const metrics = await textOf("/metrics");
    const labels =
      'rpc_method="moby.buildkit.v1.Control/Solve",rpc_response_status_code="CANCELLED",rpc_system_name="grpc"';
    assert.ok(metrics.includes(`rpc_server_call_duration_seconds_count{${labels}} 1\n`), metrics);
    assert.doesNotMatch(metrics, /grpc\.health/);
  });

  test("profiles the processor as pprof wants it, once at a time", async () => {
    const until = performance.now() + 60_000;
    const work = setInterval(function busyInTheProfile() {
      for (const end = performance.now() + 20; performance.now() < end; );
      if (performance.now() > until) clearInterval(work);
    }, 1);
    const first = profileOf("/debug/pprof/profile?seconds=0.5");
    const second = get("/debug/pprof/profile?seconds=0.5");
    const both = await Promise.all([first, second]);
    clearInterval(work);
    const [{ types, stacks }, refused] = both;
    assert.equal(refused.status, 500);
    assert.match(await refused.text(), /cpu profiling already in use/);
    assert.deepEqual(types, ["samples count", "cpu nanoseconds"]);
    const busy = stacks.filter(({ stack }) => stack.includes("busyInTheProfile"));
    assert.ok(
      busy.some(({ value }) => (value[1] ?? 0n) > 0n),
      JSON.stringify(stacks.map(({ stack }) => stack)),
    );
    assert.equal((await get("/debug/pprof/profile?seconds=x")).status, 400);
  });

  test("tells who holds memory, and gives back what nobody holds", async () => {
    const held = Array.from({ length: 200_000 }, (_, at) => ({ at, text: `${at}` }));
    const { types, stacks } = await profileOf("/debug/pprof/heap?gc=1");
    assert.deepEqual(types, ["inuse_space bytes"]);
    assert.ok(stacks.reduce((sum, { value }) => sum + (value[0] ?? 0n), 0n) > 1_000_000n);
    assert.equal(held.length, 200_000);
    const response = await get("/debug/gc");
    assert.deepEqual([response.status, await response.text()], [200, ""]);
    const variables = JSON.parse(await textOf("/debug/vars")) as { memstats: { HeapAlloc: number }; cmdline: string[] };
    assert.ok(variables.memstats.HeapAlloc > 0 && variables.cmdline.length > 0);
  });

  test("knows no other paths", async () => {
    for (const path of ["/", "/debug/cache/all", "/debug/pprof", "/toString", "/__proto__"]) {
      assert.equal((await get(path)).status, 404, path);
    }
  });
});
