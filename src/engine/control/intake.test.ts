import assert from "node:assert/strict";
import { test } from "node:test";
import { Intake } from "./intake.ts";

test("an intake that is closed lets those who are in come to their end, and nobody else in", async () => {
  const intake = new Intake();
  const [first, second] = [intake.enter(), intake.enter()];
  let isEmpty = false;
  const empty = intake.close().then(() => {
    isEmpty = true;
  });
  assert.throws(() => intake.enter(), { code: "unavailable", message: /the engine is stopping/ });
  first[Symbol.dispose]();
  await Promise.resolve();
  assert.deepEqual([isEmpty, intake.inside], [false, 1]);
  second[Symbol.dispose]();
  await empty;
});

test("an intake where nobody is closes at once", async () => {
  await new Intake().close();
});
