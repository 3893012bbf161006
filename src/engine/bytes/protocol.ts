import type { ErrorCode } from "../../base/errors/mod.ts";
import type { JobName, Jobs } from "./jobs.ts";

/** What the pool sends to a worker. */
export type Request = {
  readonly [N in JobName]: {
    readonly id: number;
    readonly name: N;
    readonly input: Jobs[N]["input"];
    /** Becomes 1 when nobody wants the job any more: a worker that is in the middle of a system call reads no messages. */
    readonly cancelled: Int32Array;
  };
}[JobName];

/** What a worker answers. */
export type Reply =
  | { readonly type: "progress"; readonly id: number; readonly bytes: number }
  | { readonly type: "done"; readonly id: number; readonly output: unknown }
  | { readonly type: "failed"; readonly id: number; readonly error: FailureData }
  | { readonly type: "cancelled"; readonly id: number };

/** An error as data. */
export interface FailureData {
  readonly message: string;
  readonly stack: string | undefined;
  /** Of a BuildError. */
  readonly buildCode: ErrorCode | undefined;
  /** Of a system call, for instance `ENOSPC`. */
  readonly systemCode: string | undefined;
}
