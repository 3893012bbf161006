import { BuildError } from "../base/errors/mod.ts";
import { formatPlatform, type Platform } from "../oci/mod.ts";
import type { ProcessExit } from "./container-process.ts";

/** What became of a process: its exit code; or, where it could not be started, why not and what a shell or Docker would exit with. */
export type RunOutcome =
  | { readonly type: "exited"; readonly code: number }
  | { readonly type: "failed"; readonly code: 125 | 126 | 127; readonly error: BuildError };

/** What engines say when they do not know how a process ended, mostly because it never began. */
const unknownExitCode = 255;

/** What to tell of how a process ended. `platform`: what it is; `machine`: where it was to run. */
export function outcomeOf(
  { code, error }: ProcessExit,
  { platform, machine }: { readonly platform: Platform; readonly machine: Platform },
): RunOutcome {
  if (code !== unknownExitCode || !error || /^exit code: \d+$/.test(error.message)) return { type: "exited", code };
  const { message } = error;
  if (/exec format error/i.test(message) && !message.includes(formatPlatform(machine))) {
    const text = `cannot run a process of ${formatPlatform(platform)} on the engine's machine (${formatPlatform(machine)}): no emulator for it works there; install one (polyarch binfmt --install ${platform.architecture}), or use a builder with such a machine`;
    return { type: "failed", code: 126, error: new BuildError("failed_precondition", text, { cause: error }) };
  }
  if (/not found in \$PATH|no such file or directory/i.test(message)) return { type: "failed", code: 127, error };
  return { type: "failed", code: /permission denied/i.test(message) ? 126 : 125, error };
}
