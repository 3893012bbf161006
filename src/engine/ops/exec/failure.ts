import { asBuildError, BuildError, type ErrorDetail } from "../../../base/errors/mod.ts";
import type { ExitStatus } from "../../executor/mod.ts";

const exitType = "github.com/moby/buildkit/gatewayapi.ExitMessage+json";

/**
 * The error of a process that ended badly, in BuildKit's words; a detail carries the exit code.
 * @param why what else is known of it
 */
export function exitError(args: readonly string[], status: ExitStatus, why?: string): BuildError {
  const oom = status.oomKilled ? ": cannot allocate memory" : "";
  return new BuildError(
    "unknown",
    `${incomplete(args)}: exit code: ${status.code}${oom}${why === undefined ? "" : `: ${why}`}`,
    { details: [exitDetail(status.code)] },
  );
}

/** The error of a process that could not be run at all. */
export function startError(args: readonly string[], error: unknown): BuildError {
  const { code, message, location, details } = asBuildError(error);
  return new BuildError(code, `${incomplete(args)}: ${message}`, { cause: error, location, details });
}

/** Says to machines how a process ended. */
export function exitDetail(code: number): ErrorDetail {
  return { typeUrl: exitType, value: Buffer.from(JSON.stringify({ Code: code })) };
}

function incomplete(args: readonly string[]): string {
  return `process ${JSON.stringify(args.join(" "))} did not complete successfully`;
}

/** Whether the code counts as success: 0, or one of the list where there is one. */
export function isSuccess(status: ExitStatus, validExitCodes: readonly number[]): boolean {
  return validExitCodes.length === 0 ? status.code === 0 : validExitCodes.includes(status.code);
}
