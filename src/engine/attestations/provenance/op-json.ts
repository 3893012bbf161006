import { pb } from "../../../api/mod.ts";
import { type DescMessage, type Message, messageJson } from "../../../base/protobuf/mod.ts";

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

const actionSchemas: Readonly<Record<string, DescMessage>> = {
  copy: pb.FileActionCopySchema,
  mkfile: pb.FileActionMkFileSchema,
  mkdir: pb.FileActionMkDirSchema,
  rm: pb.FileActionRmSchema,
  symlink: pb.FileActionSymlinkSchema,
};

/** Unlike other messages it has its zeros written, and the action below a key of its own. */
function actionJson({ input, secondaryInput, output, action }: pb.FileAction): Json {
  const schema = actionSchemas[action.case ?? ""];
  const arm = schema && action.case ? { [action.case]: messageJson(schema, action.value as Message) } : {};
  return { input, secondaryInput, output, Action: arm };
}
