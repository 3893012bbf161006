import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nextSpeaker } from "./turns.ts";

suite("nextSpeaker()", () => {
  test("gives a free word to the step with most news in least time", () => {
    const waiting = [
      { key: "slow", count: 1, since: 0 },
      { key: "fast", count: 10, since: 0 },
    ];
    assert.equal(nextSpeaker(undefined, waiting, 100), "fast");
  });
  test("leaves the word to a step that speaks more than the others", () => {
    assert.equal(
      nextSpeaker({ key: "a", count: 90, since: 0 }, [{ key: "b", count: 10, since: 4000 }], 9000),
      undefined,
    );
  });
  test("takes the word from a step that says little for long", () => {
    assert.equal(nextSpeaker({ key: "a", count: 1, since: 0 }, [{ key: "b", count: 90, since: 0 }], 4000), undefined);
    assert.equal(nextSpeaker({ key: "a", count: 1, since: 0 }, [{ key: "b", count: 90, since: 0 }], 6000), "b");
  });
  test("lets nobody wait longer than ten seconds", () => {
    assert.equal(nextSpeaker({ key: "a", count: 1e6, since: 0 }, [{ key: "b", count: 1, since: 0 }], 10_001), "b");
  });
  test("is content when nobody has news", () => {
    assert.equal(nextSpeaker(undefined, [{ key: "a", count: 0, since: undefined }], 5), undefined);
  });
});
