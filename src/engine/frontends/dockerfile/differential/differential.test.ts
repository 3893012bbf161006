import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { mutate } from "./mutate.ts";
import { corpus } from "./corpus.ts";
import { difference, ownVerdict, type Verdict } from "./verdict.ts";

// Written by scripts/differential.ts --record, which also compares many more.
const answers = JSON.parse(readFileSync(new URL("answers.json", import.meta.url), "utf8")) as {
  readonly dockerfile: string;
  readonly verdict: Verdict;
}[];

test("mutated Dockerfiles are taken, refused and found fault with as BuildKit does", async () => {
  assert.ok(answers.length > 100);
  for (const { dockerfile, verdict } of answers) {
    assert.equal(difference(await ownVerdict(dockerfile), verdict), undefined, dockerfile);
  }
});

test("no mutation makes the frontend fail in a way of its own", async () => {
  for (let seed = 1; seed <= 300; seed++) await ownVerdict(mutate(corpus, 1_000_000 + seed));
});
