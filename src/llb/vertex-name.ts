import type { pb } from "../api/mod.ts";

/** What of an input's name goes into that of a merge or diff. Graphs share their inputs: unbounded, names could double with each op. */
const maxInputNameLength = 300;

/**
 * What people see of an op that has no name of its own.
 * @param inputs names of its inputs, in order
 */
export function vertexName(op: pb.Op, inputs: readonly string[]): string {
  const nameOf = (index: bigint) => {
    const name = inputs[Number(index)] ?? "scratch";
    return name.length > maxInputNameLength ? `${name.slice(0, maxInputNameLength)}…` : name;
  };
  switch (op.op.case) {
    case "source":
      return op.op.value.identifier;
    case "exec":
      return op.op.value.meta?.args.join(" ") ?? "";
    case "file":
      return op.op.value.actions.map(actionName).join(", ");
    case "build":
      return "build";
    case "merge":
      return `merge (${op.op.value.inputs.map(({ input }) => nameOf(input)).join(", ")})`;
    case "diff": {
      const side = (index: bigint | undefined) =>
        index === undefined || index < 0n ? "scratch" : `(${nameOf(index)})`;
      return `diff ${side(op.op.value.lower?.input)} -> ${side(op.op.value.upper?.input)}`;
    }
    case "passthrough":
      return `passthrough ${op.op.value.id}`;
    case undefined:
      return "";
  }
}

function actionName({ action }: pb.FileAction): string {
  switch (action.case) {
    case "mkdir":
    case "mkfile":
    case "rm":
      return `${action.case} ${action.value.path}`;
    case "copy":
      return `copy ${action.value.src} ${action.value.dest}`;
    case "symlink":
      return `symlink ${action.value.newpath} -> ${action.value.oldpath}`;
    case undefined:
      return "";
  }
}
