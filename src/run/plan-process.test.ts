import assert from "node:assert/strict";
import { test } from "node:test";
import { planProcess } from "./plan-process.ts";

const nothing = { image: "x", command: [], entrypoint: undefined, env: [], user: "", workdir: "", tty: false };
const image = {
  Entrypoint: ["/entry", "-e"],
  Cmd: ["cmd"],
  Env: ["PATH=/bin", "A=1"],
  WorkingDir: "/work",
  User: "ada",
};
const lookup = (name: string) => (name === "HERE" ? "value" : undefined);

test("planProcess() takes what the image says", () => {
  assert.deepEqual(planProcess(image, nothing, lookup), {
    args: ["/entry", "-e", "cmd"],
    env: ["PATH=/bin", "A=1"],
    cwd: "/work",
    user: "ada",
  });
  assert.deepEqual(planProcess({ Cmd: ["sh"] }, nothing, lookup), { args: ["sh"], env: [], cwd: "/", user: "" });
});

for (const [given, args] of [
  [{ command: ["a", "b"] }, ["/entry", "-e", "a", "b"]],
  [{ entrypoint: "sh" }, ["sh"]],
  [{ entrypoint: "sh", command: ["-c", "x"] }, ["sh", "-c", "x"]],
  [{ entrypoint: "", command: ["id"] }, ["id"]],
] as const) {
  test(`planProcess() makes ${JSON.stringify(args)} of ${JSON.stringify(given)}`, () => {
    assert.deepEqual(planProcess(image, { ...nothing, ...given }, lookup).args, args);
  });
}

test("planProcess() puts variables over the image's, and takes those without a value from here", () => {
  const env = ["A=2", "HERE", "B=x=y", "PATH"];
  assert.deepEqual(planProcess(image, { ...nothing, env }, lookup).env, ["A=2", "HERE=value", "B=x=y"]);
  assert.deepEqual(planProcess({ ...image, Env: [] }, { ...nothing, tty: true }, lookup).env, ["TERM=xterm"]);
});

test("planProcess() puts user and directory over the image's", () => {
  const { user, cwd } = planProcess(image, { ...nothing, user: "0:0", workdir: "/tmp" }, lookup);
  assert.deepEqual({ user, cwd }, { user: "0:0", cwd: "/tmp" });
});

for (const [given, message] of [
  [{ entrypoint: "" }, /no command specified/],
  [{ workdir: "tmp" }, /'tmp' is invalid, it needs to be an absolute path/],
  [{ env: ["=x"] }, /invalid environment variable: "=x"/],
] as const) {
  test(`planProcess() refuses ${JSON.stringify(given)}`, () => {
    assert.throws(() => planProcess(image, { ...nothing, ...given }, lookup), { code: "invalid_argument", message });
  });
}
