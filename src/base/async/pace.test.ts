import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace } from "./mod.ts";

test("work that keeps the pace lets others have the thread, and ends when one of them says so", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 1);
  const pace = new Pace(controller.signal);
  await assert.rejects(
    async () => {
      for (;;) if (pace.isDue) await pace.rest();
    },
    { message: "enough" },
  );
});
