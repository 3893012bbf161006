import { messageOf } from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import type { VertexProgress } from "./progress.ts";
import type { StatusBoard } from "./status-board.ts";

/** Reports a vertex that is no op of a graph: an exporter, the frontend's look at an image. May be started again after its end. */
export interface VertexHandle extends VertexProgress {
  start(): void;
  complete(): void;
  /** Ends it as failed; `error`'s own text is shown. */
  error(error: unknown): void;
}

/** A handle that writes to `board`. */
export function vertexHandle(board: StatusBoard, digest: Digest): VertexHandle {
  return {
    ...board.progressOf(digest),
    start: () => board.started(digest),
    complete: () => board.completed(digest),
    error: (error) => board.completed(digest, { error: messageOf(error) }),
  };
}
