import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "../../base/protobuf/mod.ts";
import { pb, sourcepolicy } from "../../api/mod.ts";
import { sourcePolicy } from "./mod.ts";

const { ALLOW, DENY, CONVERT } = sourcepolicy.PolicyAction;
const { EXACT, REGEX, WILDCARD } = sourcepolicy.MatchType;
const { EQUAL, NOTEQUAL, MATCHES } = sourcepolicy.AttrMatch;
type RuleInit = MessageInitShape<typeof sourcepolicy.RuleSchema>;

function apply(
  policies: readonly (readonly RuleInit[])[],
  identifier: string,
  attrs: Record<string, string> = {},
): [identifier: string, attrs: Readonly<Record<string, string>>] {
  const policy = sourcePolicy(
    policies.map((rules) => create(sourcepolicy.PolicySchema, { version: 1n, rules: [...rules] })),
  );
  const applied = policy.apply(create(pb.SourceOpSchema, { identifier, attrs }));
  return [applied.identifier, applied.attrs];
}
const rule = (action: sourcepolicy.PolicyAction, identifier: string, more: Partial<RuleInit> = {}): RuleInit => ({
  action,
  selector: { identifier, matchType: WILDCARD },
  ...more,
});
const latest = "docker-image://docker.io/library/alpine:latest";

test("of the rules that match, the last one counts", () => {
  const deny = rule(DENY, "docker-image://*");
  const allow = rule(ALLOW, "docker-image://docker.io/library/*");
  const denied = `source "${latest}" denied by policy: source denied by policy`;
  assert.throws(() => apply([[deny]], "docker-image://alpine"), { code: "permission_denied", message: denied });
  assert.deepEqual(apply([[deny, allow]], "docker-image://alpine"), ["docker-image://alpine", {}]);
  assert.throws(() => apply([[allow, deny]], latest), { message: denied });
  // Each policy by itself: none may deny.
  assert.throws(() => apply([[allow], [deny]], latest), { message: denied });
  assert.deepEqual(apply([[deny]], "https://example.org/a"), ["https://example.org/a", {}]);
});

test("sources are converted, with what stood for the stars, and looked at again", () => {
  const convert = (from: string, to: string, matchType: sourcepolicy.MatchType = WILDCARD): RuleInit => ({
    action: CONVERT,
    selector: { identifier: from, matchType },
    updates: { identifier: to },
  });
  const mirror = convert("docker-image://docker.io/*:*", "docker-image://mirror.example/${1}:$2");
  assert.deepEqual(apply([[mirror]], "docker-image://alpine"), [
    "docker-image://mirror.example/library/alpine:latest",
    {},
  ]);
  const chain = convert("docker-image://mirror.example/*", "docker-image://other.example/$1");
  assert.deepEqual(
    apply([[mirror, chain]], "docker-image://alpine")[0],
    "docker-image://other.example/library/alpine:latest",
  );
  const regex = convert("^https://(?P<host>[a-z]+\\.org)/", "https://proxy.example/${host}/$$/", REGEX);
  assert.deepEqual(apply([[regex]], "https://example.org/a")[0], "https://proxy.example/example.org/$/a");
  const exact = convert(latest, "docker-image://docker.io/library/alpine:3", EXACT);
  assert.deepEqual(apply([[exact]], "docker-image://alpine")[0], "docker-image://docker.io/library/alpine:3");
  assert.deepEqual(apply([[exact]], "docker-image://alpine:2")[0], "docker-image://alpine:2");
  const forth = convert("https://a", "https://b", EXACT);
  const back = convert("https://b", "https://a", EXACT);
  assert.throws(() => apply([[forth, back]], "https://a"), /too many operations/);
});

test("attributes are looked at and set", () => {
  const attrs = { "http.checksum": "sha256:abc" };
  const pin: RuleInit = {
    action: CONVERT,
    selector: { identifier: "https://example.org/a" },
    updates: { attrs },
  };
  assert.deepEqual(apply([[pin]], "https://example.org/a", { x: "y" }), [
    "https://example.org/a",
    { x: "y", ...attrs },
  ]);
  const given = (condition: sourcepolicy.AttrMatch, value: string): RuleInit => ({
    action: DENY,
    selector: { identifier: "https://*", matchType: WILDCARD, constraints: [{ key: "k", value, condition }] },
  });
  const isDenied = (deny: RuleInit, k: string) => {
    try {
      apply([[deny]], "https://a", { k });
      return false;
    } catch {
      return true;
    }
  };
  assert.deepEqual(
    [isDenied(given(EQUAL, "v"), "v"), isDenied(given(EQUAL, "v"), "w"), isDenied(given(NOTEQUAL, "v"), "w")],
    [true, false, true],
  );
  assert.deepEqual([isDenied(given(MATCHES, "^v"), "vw"), isDenied(given(MATCHES, "^v"), "wv")], [true, false]);
});

test("rules that make no sense are refused, and none holds the engine", () => {
  const cases: readonly (readonly [RuleInit, RegExp])[] = [
    [{ action: DENY }, /a rule without a selector/],
    [{ action: 7 as never, selector: { identifier: "x" } }, /unknown type/],
    [{ action: CONVERT, selector: { identifier: "x" } }, /missing destination for convert rule/],
    [{ action: DENY, selector: { identifier: "(", matchType: REGEX } }, /invalid regex/],
    [{ action: DENY, selector: { identifier: "a**" } }, /invalid wildcard: "\*\*"/],
    [{ action: DENY, selector: { identifier: "a", matchType: 9 as never } }, /unknown match type/],
  ];
  for (const [given, message] of cases) assert.throws(() => apply([[given]], latest), { message });
  const slow: RuleInit = { action: DENY, selector: { identifier: "^(a+)+$", matchType: REGEX } };
  assert.throws(() => apply([[slow]], `https://${"a".repeat(40)}!`.replace("https://", "")), /takes too long/);
});
