import type { SourceRange } from "../../../base/errors/mod.ts";

/** An argument that people can set. */
export interface ArgParameter {
  readonly name: string;
  readonly value: string;
  /** From the comment above it; may be empty. */
  readonly description: string;
  readonly range: SourceRange;
  /** Arguments that its default takes from. */
  readonly uses: ReadonlySet<string>;
}

/** A secret or an ssh agent that a step wants. */
export interface MountParameter {
  readonly name: string;
  readonly required: boolean;
  readonly range: SourceRange;
}

/** What a stage takes from people: collected while its instructions are done, for `--call=outline`. */
export class StageParameters {
  /** Known arguments by name, whether they are used here or not. */
  readonly args: Map<string, ArgParameter>;
  readonly usedArgs: Set<string>;
  readonly secrets = new Map<string, MountParameter>();
  readonly agents = new Map<string, MountParameter>();

  constructor(args: ReadonlyMap<string, ArgParameter> = new Map(), usedArgs: Iterable<string> = []) {
    this.args = new Map(args);
    this.usedArgs = new Set(usedArgs);
  }

  /** The same arguments, for a stage that goes on from this one. */
  inherit(usedArgs: Iterable<string>): StageParameters {
    return new StageParameters(this.args, [...this.usedArgs, ...usedArgs]);
  }

  /** Notes a secret or an agent; the first use counts. */
  want(kind: "secrets" | "agents", parameter: MountParameter): void {
    if (!this[kind].has(parameter.name)) this[kind].set(parameter.name, parameter);
  }
}

/** What describes `name` among the comments above an instruction: a line `name description`. */
export function descriptionOf(name: string, comments: readonly string[]): string {
  if (name === "") return "";
  const line = comments.find((comment) => comment.startsWith(`${name} `));
  return line === undefined ? "" : line.slice(name.length + 1);
}
