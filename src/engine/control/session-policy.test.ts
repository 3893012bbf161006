import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway, pb, policysession, sourcepolicy } from "../../api/mod.ts";
import { create, type MessageInitShape } from "../../base/protobuf/mod.ts";
import { sourcePolicy } from "../policy/mod.ts";
import { askClient } from "./session-policy.ts";

const { ALLOW, DENY, CONVERT } = sourcepolicy.PolicyAction;
type Answer = NonNullable<MessageInitShape<typeof policysession.CheckPolicyResponseSchema>["result"]>;
const decision = (value: MessageInitShape<typeof policysession.DecisionResponseSchema>): Answer => ({
  case: "decision",
  value,
});
const question = (identifier: string, attrs: Record<string, string> = {}): Answer => ({
  case: "request",
  value: { Source: { identifier, attrs } },
});
const latest = "docker-image://docker.io/library/alpine:latest";

/** Asks about a source; the client gives these answers, one after the other, the last one again and again. */
async function ask(identifier: string, answers: readonly Answer[], rules: sourcepolicy.Policy[] = []) {
  const asked: policysession.CheckPolicyRequest[] = [];
  const used = await askClient(
    create(pb.SourceOpSchema, { identifier, attrs: { k: "v" } }),
    create(pb.PlatformSchema, { OS: "linux", Architecture: "arm64" }),
    {
      rules: sourcePolicy(rules),
      client: {
        check: async (request) => {
          asked.push(request);
          const result = answers[Math.min(asked.length, answers.length) - 1] ?? { case: undefined };
          return create(policysession.CheckPolicyResponseSchema, { result });
        },
        resolve: async ({ Source }) =>
          create(gateway.ResolveSourceMetaResponseSchema, {
            ...(Source ? { Source } : {}),
            Image: { Digest: "sha256:1", Config: new Uint8Array() },
          }),
      },
    },
  );
  return { used, asked };
}

test("a source that is allowed is used as it is offered: by its whole name, with its platform", async () => {
  const { used, asked } = await ask("docker-image://alpine", [decision({ action: ALLOW })]);
  assert.deepEqual([used.identifier, used.attrs, asked.length], [latest, { k: "v" }, 1]);
  assert.equal(asked[0]?.Source?.Source?.identifier, latest);
  assert.equal(asked[0]?.Platform?.Architecture, "arm64");
});

test("the client is told what it asks before it decides, of the source in question only", async () => {
  const { asked } = await ask(latest, [question(latest, { k: "v" }), decision({ action: ALLOW })]);
  assert.deepEqual(
    asked.map(({ Source }) => Source?.Image?.Digest),
    [undefined, "sha256:1"],
  );
  await assert.rejects(ask(latest, [question("docker-image://other")]), {
    message: `policy requested different source identifier: "docker-image://other" != "${latest}"`,
  });
  await assert.rejects(ask(latest, [question(latest, {})]), /policy requested different source attrs/);
  await assert.rejects(ask(latest, [question(latest, { k: "v" })]), /too many policy requests/);
});

test("another source takes its place, and is asked about in turn", async () => {
  const other = "docker-image://docker.io/library/alpine:3";
  const update = { identifier: other, attrs: { pinned: "yes" } };
  const { used, asked } = await ask(latest, [decision({ action: CONVERT, update }), decision({ action: ALLOW })]);
  assert.deepEqual([used.identifier, used.attrs], [other, { pinned: "yes" }]);
  assert.equal(asked[1]?.Source?.Source?.identifier, other);
  await assert.rejects(ask(latest, [decision({ action: CONVERT })]), /convert action requires updated source/);
  await assert.rejects(ask(latest, [decision({ action: CONVERT, update })]), /too many policy requests/);
});

test("a refusal carries the client's reasons; rules are heard first, and no answer is none", async () => {
  const denyMessages = [{ message: "not signed" }];
  await assert.rejects(ask(latest, [decision({ action: DENY, denyMessages })]), (error: never) => {
    const { code, message, details } = error as { code: string; message: string; details: { value: Uint8Array }[] };
    assert.deepEqual([code, message], ["permission_denied", `source "${latest}" not allowed by policy: action DENY`]);
    assert.deepEqual(JSON.parse(Buffer.from(details[0]?.value ?? []).toString()), { action: 1, denyMessages });
    return true;
  });
  await assert.rejects(ask(latest, []), { message: "no decision in policy response" });
  const deny = create(sourcepolicy.PolicySchema, { rules: [{ action: DENY, selector: { identifier: latest } }] });
  await assert.rejects(ask(latest, [decision({ action: ALLOW })], [deny]), /denied by policy: source denied by policy/);
});
