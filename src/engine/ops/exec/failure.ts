import { BuildError } from "../../../base/errors/mod.ts";
import type { ExitStatus } from "../../executor/mod.ts";

const exitType = "github.com/moby/buildkit/gatewayapi.ExitMessage+json";

/**
 * The error of a process that ended badly, in BuildKit's words; a detail carries the exit code.
 * @param why what else is known of it
 */
export function exitError(args: readonly string[], status: ExitStatus, why?: string): BuildError {
  const oom = status.oomKilled ? ": cannot allocate memory" : "";
  const command = JSON.stringify(args.join(" "));
  return new BuildError(
    "unknown",
    `process ${command} did not complete successfully: exit code: ${status.code}${oom}${why === undefined ? "" : `: ${why}`}`,
    { details: [{ typeUrl: exitType, value: Buffer.from(JSON.stringify({ Code: status.code })) }] },
  );
}

/** Whether the code counts as success: 0, or one of the list where there is one. */
export function isSuccess(status: ExitStatus, validExitCodes: readonly number[]): boolean {
  return validExitCodes.length === 0 ? status.code === 0 : validExitCodes.includes(status.code);
}
