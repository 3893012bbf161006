import assert from "node:assert/strict";
import { test } from "node:test";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { mergeScopes } from "./scopes.ts";

const cases: [header: string | string[] | undefined, want: readonly Challenge[]][] = [
  [undefined, []],
  ["", []],
  ["Basic", [{ scheme: "basic", parameters: {} }]],
  ['Basic realm="Registry Realm"', [{ scheme: "basic", parameters: { realm: "Registry Realm" } }]],
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    [
      {
        scheme: "bearer",
        parameters: {
          realm: "https://auth.docker.io/token",
          service: "registry.docker.io",
          scope: "repository:a/b:pull,push",
        },
      },
    ],
  ],
  ["BEARER Realm = x , service=y", [{ scheme: "bearer", parameters: { realm: "x", service: "y" } }]],
  ['Bearer realm="a \\"b\\" \\\\c"', [{ scheme: "bearer", parameters: { realm: 'a "b" \\c' } }]],
  [
    'Basic realm="x", Bearer realm="y",error="invalid_token"',
    [
      { scheme: "basic", parameters: { realm: "x" } },
      { scheme: "bearer", parameters: { realm: "y", error: "invalid_token" } },
    ],
  ],
  [
    ['Basic realm="x"', "Bearer realm=y"],
    [
      { scheme: "basic", parameters: { realm: "x" } },
      { scheme: "bearer", parameters: { realm: "y" } },
    ],
  ],
  ['Bearer realm="never closed', [{ scheme: "bearer", parameters: { realm: "" } }]],
];
for (const [header, want] of cases) {
  test(`parseChallenges(${JSON.stringify(header)})`, () => assert.deepEqual(parseChallenges(header), want));
}

test("parseChallenges() is quick with headers made to be slow", () => {
  const started = performance.now();
  for (const part of ["Bearer ", 'a="\\', "a=,", "a a,", " ", '="']) parseChallenges(part.repeat(20_000));
  assert.ok(performance.now() - started < 5000);
});

test("mergeScopes() gives one scope per resource, actions and scopes sorted", () => {
  assert.deepEqual(mergeScopes("repository:b:pull", "repository:a:push,pull", "repository:b:pull,push"), [
    "repository:a:pull,push",
    "repository:b:pull,push",
  ]);
  assert.deepEqual(mergeScopes("repository:h:5000/a:pull repository:b:pull", ""), [
    "repository:b:pull",
    "repository:h:5000/a:pull",
  ]);
});
