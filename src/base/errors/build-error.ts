import { systemErrorText } from "./system-error.ts";
import type { SourceRange } from "./source-range.ts";

/** The gRPC status codes by name, as far as Polyarch raises them itself. */
export type ErrorCode =
  | "canceled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

/**
 * A typed detail of an error: `typeUrl` as BuildKit spells it (for instance
 * `github.com/moby/buildkit/errdefs.Vertex+json`), `value` the bytes behind it (JSON text where the type ends in `+json`).
 */
export interface ErrorDetail {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** Base of every failure that a user can meet. Broken invariants throw plain `Error("Internal error: …")` instead. */
export class BuildError extends Error {
  override readonly name: string = "BuildError";
  readonly code: ErrorCode;
  /** Where in the Dockerfile (or another source) the cause stands. */
  readonly location: SourceRange | undefined;
  /** What machines on the other side of the wire read; outermost first. */
  readonly details: readonly ErrorDetail[];
  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { location?: SourceRange | undefined; details?: readonly ErrorDetail[] } = {},
  ) {
    super(message, options);
    this.code = code;
    this.location = options.location;
    this.details = options.details ?? [];
  }
}

/** The text of anything thrown: of failed system calls in Go's words; of a failure that a failing teardown has covered, the failure's. */
export function messageOf(error: unknown): string {
  if (error instanceof SuppressedError) return messageOf(error.suppressed);
  return systemErrorText(error) ?? (error instanceof Error ? error.message : String(error));
}

/** Whether `error` only says that somebody cancelled. */
export function isAbort(error: unknown): boolean {
  if (error instanceof BuildError) return error.code === "canceled";
  return (
    error instanceof Error && (error.name === "AbortError" || (error as NodeJS.ErrnoException).code === "ABORT_ERR")
  );
}

/** Anything thrown as a {@link BuildError}: aborts become `canceled`, system errors keep their text. */
export function asBuildError(error: unknown): BuildError {
  // A teardown that failed as well must not hide why it was needed.
  if (error instanceof SuppressedError) return asBuildError(error.suppressed);
  if (error instanceof BuildError) return error;
  if (isAbort(error)) return new BuildError("canceled", "context canceled", { cause: error });
  const systemCode = (error as NodeJS.ErrnoException | undefined)?.code;
  const code: ErrorCode =
    systemCode === "ENOSPC" || systemCode === "EDQUOT"
      ? "resource_exhausted"
      : systemCode === "EACCES" || systemCode === "EPERM"
        ? "permission_denied"
        : "unknown";
  return new BuildError(code, messageOf(error), { cause: error });
}
