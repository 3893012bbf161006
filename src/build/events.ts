import type { StatusResponse } from "../client/mod.ts";

/** A step that this client does itself, shown beside the engine's. */
export interface ClientStep {
  /** The same for all events of one step. */
  readonly id: string;
  readonly name: string;
  readonly started: Date;
  readonly completed?: Date;
  readonly error?: string;
  /** Something that people should know of a step that has gone well: in short, and line by line. */
  readonly warning?: { readonly short: string; readonly detail: readonly string[] };
}

/** What can be told of a build while it goes on. */
export type BuildEvent =
  | { readonly type: "status"; readonly status: StatusResponse }
  | { readonly type: "step"; readonly step: ClientStep };
