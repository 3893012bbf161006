import type { Route } from "../../rpc/mod.ts";

/** Something that a client offers on its session. */
export interface Attachable {
  readonly routes: readonly Route[];
}
