import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { SolveStatus } from "../status.ts";
import { item, log, message, ms, step, warning } from "../testing/messages.ts";
import { allStopped, totalNanos } from "./intervals.ts";
import { reduce } from "./reduce.ts";
import { emptyView, shownVertex, startedVertexes } from "./view.ts";

function after(...messages: SolveStatus[]) {
  return messages.reduce((view, next) => reduce(view, next).view, emptyView);
}

suite("reduce()", () => {
  test("keeps the order of announcement and the order of starting apart", () => {
    const view = after(
      message({ vertexes: [step("a", "A"), step("b", "B")] }),
      message({ vertexes: [step("b", "B", { start: 1 })] }),
      message({ vertexes: [step("a", "A", { start: 2 })] }),
    );
    assert.deepEqual([...view.vertexes.keys()], ["a", "b"]);
    assert.deepEqual(
      startedVertexes(view).map(({ digest }) => digest),
      ["b", "a"],
    );
    assert.equal(view.startedAt, ms(1));
  });
  test("does not forget that a step ran when it is announced again", () => {
    const view = after(
      message({ vertexes: [step("a", "A", { start: 1, stop: 2 }, { cached: true })] }),
      message({ vertexes: [step("a", "A")] }),
    );
    assert.equal(view.vertexes.get("a")?.cached, true);
    assert.equal(allStopped(view.vertexes.get("a")?.intervals ?? []), true);
  });
  test("counts each run of a step that runs several times", () => {
    const view = after(
      message({ vertexes: [step("a", "A", { start: 0, stop: 10 })] }),
      message({ vertexes: [step("a", "A", { start: 100 })] }),
      message({ vertexes: [step("a", "A", { start: 100, stop: 130 })] }),
    );
    assert.equal(totalNanos(view.vertexes.get("a")?.intervals ?? [], ms(1000)), ms(40));
  });
  test("shows a group of steps as one step, which is done when all of them are", () => {
    const progressGroup = { id: "g", name: "[g] together", weak: false };
    const first = message({
      vertexes: [
        step("a", "A", { start: 0, stop: 10 }, { progressGroup }),
        step("b", "B", { start: 5 }, { progressGroup }),
      ],
    });
    const running = after(first);
    assert.deepEqual(
      [...running.vertexes.values()].map(({ name }) => name),
      ["[g] together"],
    );
    assert.equal(allStopped(shownVertex(running, "a")?.intervals ?? []), false);
    const done = after(
      first,
      message({ vertexes: [step("b", "B", { start: 5, stop: 20 }, { progressGroup, error: "x" })] }),
    );
    assert.equal(allStopped(shownVertex(done, "b")?.intervals ?? []), true);
    assert.equal(shownVertex(done, "b")?.error, "x");
    assert.equal(totalNanos(shownVertex(done, "b")?.intervals ?? [], 0n), ms(20));
  });
  test("replaces items by id, keeps their order, and passes over those of unknown steps", () => {
    const view = after(
      message({
        vertexes: [step("a", "A", { start: 0 })],
        statuses: [item("a", "x"), item("a", "y"), item("nobody", "z")],
      }),
      message({ statuses: [item("a", "x", { current: 5n })] }),
    );
    assert.deepEqual(
      view.vertexes.get("a")?.statuses.map(({ id, current }) => [id, current]),
      [
        ["x", 5n],
        ["y", 0n],
      ],
    );
  });
  test("names the steps that a message speaks of, and leaves the view it started from alone", () => {
    const before = after(message({ vertexes: [step("a", "A", { start: 0 }), step("b", "B", { start: 0 })] }));
    const untouched = before.vertexes.get("b");
    const { view, touched } = reduce(before, message({ logs: [log("a", 1, "x")], warnings: [warning("a", "w")] }));
    assert.deepEqual(touched, ["a"]);
    assert.equal(before.vertexes.get("a")?.warnings.length, 0);
    assert.equal(view.vertexes.get("a")?.warnings.length, 1);
    assert.equal(view.vertexes.get("b"), untouched);
  });
});

test("totalNanos() counts overlapping runs once, and open ones until now", () => {
  assert.equal(totalNanos([{ start: 0n, stop: 10n }, { start: 5n, stop: 15n }, { start: 20n }], 25n), 20n);
  assert.equal(totalNanos([{ start: 30n }], 25n), 0n);
});
