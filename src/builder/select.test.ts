import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Builder, embedded } from "./builder.ts";
import { currentBuilder, findBuilder, type Selection, usableBuilder } from "./select.ts";

const unix = "unix:///var/run/docker.sock";
const farm: Builder = { name: "farm", driver: "remote", nodes: [], dynamic: false, origin: "stored" };
const local = { name: "default", host: unix };
const far = { name: "far", host: "ssh://far" };

function selection(changes: Partial<Selection> = {}, context = "default", host = unix): Selection {
  return {
    docker: {
      contexts: [local, far],
      currentContext: context,
      isChosen: context !== "default" || host !== unix,
      key: context === "default" ? host : context,
      config: { path: "/c.json" },
    },
    current: undefined,
    defaultName: undefined,
    embedded: embedded("/run/e.sock"),
    stored: (name) => (name === "farm" || name === "far" ? { ...farm, name } : undefined),
    ...changes,
  };
}
const onlyFarm = { stored: (name: string) => (name === "farm" ? farm : undefined) };
const chosen = (name: string, key = unix, global = false) => ({ current: { key, name, global } });

suite("the current builder", () => {
  for (const [name, from, want] of [
    ["our own engine's where nothing was chosen", selection(), "embedded"],
    ["what use has stored for this endpoint", selection(chosen("farm")), "farm"],
    ["not what was chosen for another endpoint", selection(chosen("farm", "other")), "embedded"],
    ["what was chosen globally, for any endpoint", selection(chosen("farm", "other", true)), "farm"],
    ["the endpoint's default when nothing is chosen", selection({ defaultName: "farm" }), "farm"],
    [
      "the endpoint's default when something is chosen for another",
      selection({ ...chosen("x", "other"), defaultName: "farm" }),
      "farm",
    ],
    ["the endpoint's default behind buildx's empty choice", selection({ ...chosen(""), defaultName: "farm" }), "farm"],
    ["our own engine's when the chosen one is gone", selection({ ...chosen("gone"), defaultName: "farm" }), "embedded"],
    ["our own engine's when the global one is gone", selection(chosen("gone", "other", true)), "embedded"],
    ["the context's when that was chosen", selection(chosen("default")), "default"],
    ["not another context's", selection({ ...chosen("far"), ...onlyFarm }), "embedded"],
    ["the context's where one is in use", selection(onlyFarm, "far"), "far"],
    [
      "the context's where DOCKER_HOST names an engine",
      selection({}, "default", "unix:///run/user/1/docker.sock"),
      "default",
    ],
    ["the context's where our engine does not run", selection({ embedded: undefined }), "default"],
  ] as const) {
    test(`is ${name}`, () => assert.equal(currentBuilder(from).name, want));
  }
  test("cannot be told when the context in use is none", () => {
    assert.throws(() => currentBuilder(selection({}, "gone")), { message: /current context "gone" is not found/ });
  });
});

suite("a builder by name", () => {
  test("is a created one before a context's of the same name", () => {
    assert.equal(findBuilder("far", selection()).origin, "stored");
    assert.equal(findBuilder("far", selection(onlyFarm)).origin, "context");
    assert.equal(findBuilder("embedded", selection()).origin, "embedded");
  });
  test("must be there", () => {
    assert.throws(() => findBuilder("nope", selection()), { code: "not_found", message: 'no builder "nope" found' });
    assert.throws(() => findBuilder("embedded", selection({ embedded: undefined })), {
      message: 'no builder "embedded" found',
    });
  });
  test("is not used when it is the one of a context that is not in use", () => {
    assert.equal(usableBuilder("default", selection()).driver, "docker");
    assert.throws(() => usableBuilder("far", selection(onlyFarm)), {
      message: /^use `docker --context=far buildx` to switch to context "far"/,
    });
    assert.equal(usableBuilder("far", selection(onlyFarm, "far")).name, "far");
  });
});
