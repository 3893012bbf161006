import assert from "node:assert/strict";
import { test } from "node:test";
import { BuildError } from "../base/errors/mod.ts";
import { IncomingBudget } from "./incoming-budget.ts";

const mib = 1024 * 1024;
const tooMuch = (error: unknown) => error instanceof BuildError && error.code === "resource_exhausted";

test("large messages of all calls share one budget, small ones always pass", () => {
  const budget = new IncomingBudget(10 * mib);
  budget.change(0, 6 * mib);
  assert.throws(() => budget.change(0, 6 * mib), tooMuch);
  for (let call = 0; call < 1000; call++) budget.change(0, 60_000);
  budget.change(0, 4 * mib);
  budget.change(6 * mib, 0); // read, or given up
  budget.change(0, 6 * mib);
  assert.throws(() => budget.change(4 * mib, 5 * mib), tooMuch);
});
