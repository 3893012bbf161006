import { create } from "../../base/protobuf/mod.ts";
import { gateway, pb, policysession, sourcepolicy } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { type SourcePolicy, normalizedIdentifier } from "../policy/mod.ts";

/** So often the client is asked about one source at most. */
const maxRounds = 10;
const { ALLOW, DENY, CONVERT } = sourcepolicy.PolicyAction;
const actionNames: Readonly<Record<number, string>> = { [ALLOW]: "ALLOW", [DENY]: "DENY", [CONVERT]: "CONVERT" };

/** Whom a policy is asked from, and who tells it more of a source when it wants to know. */
export interface PolicyClient {
  check(request: policysession.CheckPolicyRequest): Promise<policysession.CheckPolicyResponse>;
  /** Not subject to the client's own policy. */
  resolve(request: gateway.ResolveSourceMetaRequest): Promise<gateway.ResolveSourceMetaResponse>;
}

/**
 * Lets the client decide about a source: it may allow it, refuse it, put another in its place, or ask what is there before it says so.
 * @param rules apply first, also to what the client puts in its place
 * @returns the source to use
 * @throws {BuildError} `permission_denied`: `source "<id>" not allowed by policy: action DENY`, with the client's reasons in its details
 */
export async function askClient(
  op: pb.SourceOp,
  platform: pb.Platform | undefined,
  { rules, client }: { readonly rules: SourcePolicy; readonly client: PolicyClient },
): Promise<pb.SourceOp> {
  let source = ruled(op, rules);
  let known = create(gateway.ResolveSourceMetaResponseSchema, { Source: source });
  for (let round = 0; round < maxRounds; round++) {
    const request = { Source: known, ...(platform ? { Platform: platform } : {}) };
    const { result } = await client.check(create(policysession.CheckPolicyRequestSchema, request));
    if (result.case === "request") {
      known = await client.resolve(sameSource(result.value, source));
      continue;
    }
    if (result.case !== "decision") throw new BuildError("invalid_argument", "no decision in policy response");
    const { action, update } = result.value;
    if (action === ALLOW) return source;
    if (action !== CONVERT) throw denied(source, result.value);
    if (!update) throw new BuildError("invalid_argument", "convert action requires updated source");
    source = ruled(update, rules);
    known = create(gateway.ResolveSourceMetaResponseSchema, { Source: source });
  }
  throw new BuildError("resource_exhausted", "too many policy requests");
}

function ruled(op: pb.SourceOp, rules: SourcePolicy): pb.SourceOp {
  const { identifier, attrs } = rules.apply(op);
  return create(pb.SourceOpSchema, { identifier: normalizedIdentifier(identifier), attrs: { ...attrs } });
}

/** The client may only look at what it is asked about. */
function sameSource(request: gateway.ResolveSourceMetaRequest, source: pb.SourceOp): gateway.ResolveSourceMetaRequest {
  const { identifier = "", attrs = {} } = request.Source ?? {};
  if (identifier !== source.identifier) {
    const [asked, offered] = [JSON.stringify(identifier), JSON.stringify(source.identifier)];
    throw new BuildError("invalid_argument", `policy requested different source identifier: ${asked} != ${offered}`);
  }
  const keys = new Set([...Object.keys(attrs), ...Object.keys(source.attrs)]);
  const other = [...keys].find((key) => attrs[key] !== source.attrs[key]);
  if (other === undefined) return request;
  throw new BuildError("invalid_argument", `policy requested different source attrs: value mismatch for key ${other}`);
}

function denied({ identifier }: pb.SourceOp, { action, denyMessages }: policysession.DecisionResponse): BuildError {
  const said = denyMessages.map(({ message }) => ({ message }));
  const value = Buffer.from(JSON.stringify({ action: DENY, denyMessages: said }));
  const detail = { typeUrl: "github.com/moby/buildkit/policysession.DecisionResponse+json", value };
  const id = JSON.stringify(identifier);
  return new BuildError(
    "permission_denied",
    `source ${id} not allowed by policy: action ${actionNames[action] ?? action}`,
    { details: said.length > 0 ? [detail] : [] },
  );
}
