import { pb } from "../../../api/mod.ts";
import { messageJson } from "../../../base/protobuf/mod.ts";

/** Values for `goJsonText`. */
type Json = Readonly<Record<string, unknown>>;

/** An op without its inputs, in the form that BuildKit has for it in JSON. What names the session of a client is left out. */
export function opJson({ op, platform, constraints }: pb.Op): Json {
  return {
    Op: op.case === undefined ? {} : { [op.case]: armJson(op) },
    ...(platform && { platform: messageJson(pb.PlatformSchema, platform) }),
    ...(constraints && { constraints: messageJson(pb.WorkerConstraintsSchema, constraints) }),
  };
}

function armJson(op: Exclude<pb.Op["op"], { case: undefined }>): Json {
  switch (op.case) {
    case "exec":
      return messageJson(pb.ExecOpSchema, op.value);
    case "source":
      return sourceJson(op.value);
    case "file":
      return op.value.actions.length === 0 ? {} : { actions: op.value.actions.map(actionJson) };
    case "build":
      return messageJson(pb.BuildOpSchema, op.value);
    case "merge":
      return messageJson(pb.MergeOpSchema, op.value);
    case "diff":
      return messageJson(pb.DiffOpSchema, op.value);
    case "passthrough":
      return messageJson(pb.PassthroughOpSchema, op.value);
  }
}

function sourceJson(source: pb.SourceOp): Json {
  const { "local.session": _session, "local.unique": _unique, ...attrs } = source.attrs;
  return messageJson(pb.SourceOpSchema, { ...source, attrs } as pb.SourceOp);
}

/** Unlike other messages it has its zeros written. */
function actionJson(action: pb.FileAction): Json {
  const { input, secondaryInput, output } = action;
  const { Action } = messageJson(pb.FileActionSchema, action);
  return { input, secondaryInput, output, Action: Action ?? {} };
}
