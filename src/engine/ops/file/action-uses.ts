import type { pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";

/** Who is to own what an action makes; `undefined` for one that makes nothing, or says nothing. */
export function ownerOf({ action }: pb.FileAction): pb.ChownOpt | undefined {
  return action.case === undefined || action.case === "rm" ? undefined : action.value.owner;
}

/**
 * Which values of a file op its actions use: numbered as in LLB, the inputs first, then the results of the actions. Looked at once, in time that
 * grows with the number of actions alone.
 */
export class ActionUses {
  /** The values that are outputs, in their order. */
  readonly outputs: readonly number[];
  readonly #shared = new Set<number>();

  /** @throws {BuildError} `invalid_argument`: `loop from index …` */
  constructor(actions: readonly pb.FileAction[], inputs: number) {
    checkLoops(actions, inputs);
    const asInput = new Set<number>();
    const outputs: number[] = [];
    for (const [at, action] of actions.entries()) {
      const input = Number(action.input);
      if (asInput.has(input)) this.#shared.add(input);
      asInput.add(input);
      for (const index of readBy(action)) this.#shared.add(index);
      if (action.output === -1n) continue;
      outputs[Number(action.output)] = inputs + at;
      this.#shared.add(inputs + at);
    }
    this.outputs = outputs;
  }

  /** Whether somebody but one next action wants this value: then it becomes a layer of its own. */
  isShared(index: number): boolean {
    return this.#shared.has(index);
  }
}

/** What an action reads, besides what it changes. */
function readBy(action: pb.FileAction): readonly number[] {
  const owner = ownerOf(action);
  const files = [owner?.user?.user, owner?.group?.user].flatMap((part) =>
    part?.case === "byName" ? [Number(part.value.input)] : [],
  );
  return [Number(action.secondaryInput), ...files];
}

function checkLoops(actions: readonly pb.FileAction[], inputs: number): void {
  const state = new Map<number, "open" | "done">();
  for (const start of actions.keys()) {
    const stack = [{ at: start, next: 0 }];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const action = actions[top.at] as pb.FileAction;
      if (top.next === 0 && state.get(top.at) === "done") {
        stack.pop();
        continue;
      }
      state.set(top.at, "open");
      const need = [...readBy(action), Number(action.input)][top.next++];
      if (need === undefined) {
        state.set(top.at, "done");
        stack.pop();
        continue;
      }
      const at = need - inputs;
      if (actions[at] === undefined || state.get(at) === "done") continue;
      if (state.get(at) === "open") throw new BuildError("invalid_argument", `loop from index ${need}`);
      stack.push({ at, next: 0 });
    }
  }
}
