import { BuildError, messageOf } from "../../base/errors/mod.ts";

/** A node as people know it. */
export interface NamedNode {
  readonly name: string;
  readonly endpoint: string;
}

/** The engine of a node cannot be reached, or no longer. The build itself may be sound: another node can try. */
export class NodeLostError extends BuildError {
  /** @param what what the node did, for instance `does not answer` */
  constructor({ name, endpoint }: NamedNode, what: string, cause: unknown) {
    super("unavailable", `node ${JSON.stringify(name)} (${endpoint}) ${what}: ${messageOf(cause)}`, { cause });
  }
}
