/**
 * Errors as data. A {@link BuildError} carries a code (which becomes a gRPC status), a message for people, typed details
 * (which travel as BuildKit's error details) and, where there is one, a place in the Dockerfile.
 */
export { BuildError, type ErrorCode, type ErrorDetail, messageOf, asBuildError, isAbort } from "./build-error.ts";
export { connectErrorText } from "./connect-error.ts";
export { findCause } from "./find-cause.ts";
export { isSameText, joinLines, type SourceRange, type Position } from "./source-range.ts";
export { unreachable } from "./unreachable.ts";
export { isSystemError, type SystemError, systemError, systemErrorText } from "./system-error.ts";
