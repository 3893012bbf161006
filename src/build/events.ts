import type { StatusResponse } from "../client/mod.ts";

/** A step that this client does itself, shown beside the engine's. */
export interface ClientStep {
  /** The same for all events of one step. */
  readonly id: string;
  readonly name: string;
  readonly started: Date;
  readonly completed?: Date;
  readonly error?: string;
}

/** What can be told of a build while it goes on. */
export type BuildEvent =
  | { readonly type: "status"; readonly status: StatusResponse }
  | { readonly type: "step"; readonly step: ClientStep };
