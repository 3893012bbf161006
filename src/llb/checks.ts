import type { pb } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";

/**
 * What every op must have before anybody looks closer.
 * @throws {BuildError} `invalid_argument` with BuildKit's words
 */
export function checkOp(op: pb.Op): void {
  switch (op.op.case) {
    case undefined:
      throw invalid("invalid op without a known arm");
    case "source":
      if (!op.op.value.identifier.includes("://"))
        throw invalid(`invalid source identifier ${JSON.stringify(op.op.value.identifier)}`);
      break;
    case "exec":
      checkExec(op.op.value, op.inputs.length);
      break;
    case "file":
      checkFile(op.op.value, op.inputs.length);
      break;
    case "build":
      break;
    case "merge":
      if (op.op.value.inputs.length === 0) throw invalid("invalid merge op with no inputs");
      for (const { input } of op.op.value.inputs) checkIndex(input, op.inputs.length, "merge");
      break;
    case "diff": {
      const { lower, upper } = op.op.value;
      if (!lower || !upper) throw invalid("invalid diff op with nil lower or upper input");
      checkIndex(lower.input, op.inputs.length, "diff");
      checkIndex(upper.input, op.inputs.length, "diff");
      break;
    }
    case "passthrough": {
      const { id, outputs } = op.op.value;
      if (id === "") throw invalid("invalid passthrough op with empty id");
      if (outputs.length === 0) throw invalid("invalid passthrough op with no outputs");
      for (const output of outputs) {
        if (output < 0n || output >= BigInt(op.inputs.length))
          throw invalid(`invalid passthrough op output index ${output}`);
      }
      break;
    }
  }
}

function checkExec(exec: pb.ExecOp, inputs: number): void {
  if (!exec.meta) throw invalid("invalid exec op with no meta");
  if (exec.meta.args.length === 0) throw invalid("invalid exec op with no args");
  if (exec.mounts.length === 0) throw invalid("invalid exec op with no mounts");
  if (!exec.mounts.some((mount) => mount.dest === "/")) throw invalid("invalid exec op with no rootfs");
  for (const mount of exec.mounts) checkIndex(mount.input, inputs, "exec mount");
}

/** Actions may read the op's inputs and the results of other actions, numbered behind them. */
function checkFile(file: pb.FileOp, inputs: number): void {
  if (file.actions.length === 0) throw invalid("invalid file op with no actions");
  for (const action of file.actions) {
    if (action.action.case === undefined) throw invalid("invalid file op: unknown action");
    checkIndex(action.input, inputs + file.actions.length, "file action");
    checkIndex(action.secondaryInput, inputs + file.actions.length, "file action");
    const owner = action.action.case === "rm" ? undefined : action.action.value.owner;
    for (const part of [owner?.user?.user, owner?.group?.user]) {
      if (part?.case === "byName") checkIndex(part.value.input, inputs + file.actions.length, "file owner");
    }
  }
}

function checkIndex(index: bigint, limit: number, what: string): void {
  if (index < -1n || index >= BigInt(limit)) throw invalid(`invalid ${what} input index ${index}`);
}

const invalid = (message: string) => new BuildError("invalid_argument", message);
