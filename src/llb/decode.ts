import { fromBinary } from "../base/protobuf/mod.ts";
import { pb } from "../api/mod.ts";
import { BuildError, messageOf, type SourceRange } from "../base/errors/mod.ts";
import { type Digest, digestOf, isDigest, normalizePlatform, type Platform } from "../oci/mod.ts";
import { isLlbCapability } from "./capabilities.ts";
import { checkOp } from "./checks.ts";
import { readLocations } from "./locations.ts";
import { vertexName } from "./vertex-name.ts";

/** One output of another op of the graph. */
export interface GraphInput {
  readonly digest: Digest;
  readonly index: number;
}

/** An op of a graph that came from outside, checked. */
export interface GraphOp {
  readonly digest: Digest;
  readonly op: pb.Op;
  /** What {@link digest} is of. */
  readonly bytes: Uint8Array;
  readonly metadata: pb.OpMetadata | undefined;
  /** In the order of `op.inputs`. */
  readonly inputs: readonly GraphInput[];
  /** Normalized; `undefined`: the engine's own. */
  readonly platform: Platform | undefined;
  /** As people see it. */
  readonly name: string;
  /** Where in its source it stands; empty when nobody said. */
  readonly locations: readonly SourceRange[];
}

/** A graph that came from outside. */
export interface Graph {
  /** Those that the result needs, inputs before those that read them. */
  readonly ops: ReadonlyMap<Digest, GraphOp>;
  /** The output that was asked for; `undefined`: the empty filesystem. */
  readonly result: GraphInput | undefined;
}

/** Far more than any build needs. */
const maxOps = 100_000;

/** Merges that join as many packages as a distribution's largest image has take half of it. */
const maxInputs = 10_000;

/**
 * Reads a graph and checks it as BuildKit's engine does when it loads one.
 * @throws {BuildError} `invalid_argument`, or `unimplemented` for a capability that is not known
 */
export function decodeDefinition(definition: pb.Definition): Graph {
  if (definition.def.length === 0) return { ops: new Map(), result: undefined };
  if (definition.def.length > maxOps) throw invalid(`definition has more than ${maxOps} ops`);
  const decoded = new Map<Digest, pb.Op>();
  const encoded = new Map<Digest, Uint8Array>();
  for (const bytes of definition.def) {
    const digest = digestOf(bytes);
    decoded.set(digest, decodeOp(bytes));
    encoded.set(digest, bytes);
  }
  const terminal = decodeOp(definition.def.at(-1) as Uint8Array);
  const [head] = terminal.inputs;
  if (!head || terminal.inputs.length !== 1 || terminal.op.case !== undefined) {
    throw invalid("definition must end in an op with one input and nothing else");
  }
  for (const metadata of Object.values(definition.metadata)) checkCapabilities(metadata);
  const locations = readLocations(definition.Source);
  const result = decodeInput(head);
  const ops = new Map<Digest, GraphOp>();
  for (const digest of inputsFirst(result.digest, decoded)) {
    const op = decoded.get(digest) as pb.Op;
    const metadata = definition.metadata[digest];
    if (op.inputs.length > maxInputs) throw invalid(`op ${digest} has more than ${maxInputs} inputs`);
    checkOp(op);
    const inputs = op.inputs.map(decodeInput);
    ops.set(digest, {
      digest,
      op,
      bytes: encoded.get(digest) as Uint8Array,
      metadata,
      inputs,
      platform: op.platform && decodePlatform(op.platform),
      name:
        metadata?.description["llb.customname"] ??
        vertexName(
          op,
          inputs.map((input) => ops.get(input.digest)?.name ?? ""),
        ),
      locations: locations(digest),
    });
  }
  return { ops, result };
}

/** A platform of a graph, normalized. */
export function decodePlatform(platform: pb.Platform): Platform {
  return normalizePlatform({
    os: platform.OS,
    architecture: platform.Architecture,
    ...(platform.Variant && { variant: platform.Variant }),
    ...(platform.OSVersion && { osVersion: platform.OSVersion }),
    ...(platform.OSFeatures.length > 0 && { osFeatures: platform.OSFeatures }),
  });
}

/** Not recursive: the graph may be deep. No cycle is possible, since an op's digest covers the digests of its inputs. */
function inputsFirst(root: Digest, ops: ReadonlyMap<Digest, pb.Op>): Iterable<Digest> {
  const done = new Set<Digest>();
  const find = (digest: Digest) => {
    const op = ops.get(digest);
    if (!op) throw invalid(`missing input digest ${digest}`);
    return { digest, op, next: 0 };
  };
  const open = [find(root)];
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const input = top.op.inputs[top.next++];
    if (input === undefined) {
      done.add(top.digest);
      open.pop();
      continue;
    }
    const { digest } = decodeInput(input);
    if (!done.has(digest)) open.push(find(digest));
  }
  return done;
}

function decodeOp(bytes: Uint8Array): pb.Op {
  try {
    return fromBinary(pb.OpSchema, bytes);
  } catch (error) {
    throw invalid(`failed to parse llb proto op: ${messageOf(error)}`, error);
  }
}

function decodeInput(input: pb.Input): GraphInput {
  if (!isDigest(input.digest)) throw invalid(`missing input digest ${input.digest}`);
  if (input.index < 0n || input.index > 0xffffn) throw invalid(`invalid input index ${input.index}`);
  return { digest: input.digest, index: Number(input.index) };
}

function checkCapabilities(metadata: pb.OpMetadata): void {
  for (const id of Object.keys(metadata.caps)) {
    if (!isLlbCapability(id)) throw new BuildError("unimplemented", `unknown API capability ${id}`);
  }
}

function invalid(message: string, cause?: unknown): BuildError {
  return new BuildError("invalid_argument", message, { cause });
}
