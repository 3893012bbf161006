import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatusEvent } from "../solver/mod.ts";
import { JobTable } from "./jobs.ts";

test("a build that has ended can still be asked what it told, and is itself let go at once: its graph may be large", async () => {
  const jobs = new JobTable();
  const told: StatusEvent[] = [];
  const build = {
    async *status() {
      yield* told;
    },
  };
  jobs.add("one", build);
  const { signal } = new AbortController();
  assert.equal(await jobs.wait("one", { signal }), build);
  told.push({ type: "warning", vertex: "sha256:00" as never, level: 1, short: "careful", detail: [] });
  jobs.retire("one");
  const ended = await jobs.wait("one", { signal });
  assert.notEqual(ended, build);
  assert.deepEqual(await Array.fromAsync(ended.status()), told);
  assert.ok(jobs.has("one"), "its id is not given to another build meanwhile");
});
