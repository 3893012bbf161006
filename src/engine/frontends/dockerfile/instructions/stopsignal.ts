import { constants } from "node:os";
import type { StopSignalInstruction } from "../../../../dockerfile/mod.ts";
import type { Stage } from "../stage.ts";

/** Linux's names without `SIG`; real-time ones are told by pattern. */
const names: ReadonlySet<string> = new Set([
  ...Object.keys(constants.signals).map((name) => name.replace(/^SIG/, "")),
  ..."ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ".split(
    " ",
  ),
]);
const realTime = /^RT(MIN(\+([0-9]|1[0-5]))?|MAX(-([0-9]|1[0-4]))?)$/;

/**
 * Sets the signal that ends a container.
 * @throws {Error} `invalid signal: x`
 */
export function applyStopSignal(stage: Stage, instruction: StopSignalInstruction): void {
  const signal = stage.expand(instruction.signal);
  const name = signal.toUpperCase().replace(/^SIG/, "");
  const valid = /^[+-]?\d+$/.test(signal)
    ? Number(signal) > 0 && Number(signal) < 65
    : names.has(name) || realTime.test(name);
  if (!valid) throw new Error(`invalid signal: ${signal}`);
  stage.image.settings.StopSignal = signal;
  stage.record(`STOPSIGNAL ${signal}`, { layer: false });
}
