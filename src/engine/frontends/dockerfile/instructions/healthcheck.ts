import { formatDurationNs, type HealthcheckInstruction } from "../../../../dockerfile/mod.ts";
import { goList } from "../go-text.ts";
import type { Stage } from "../stage.ts";
import { giveOnce } from "./given-once.ts";

/** Sets how containers are seen to be well. What is 0 is left to the runtime. */
export function applyHealthcheck(stage: Stage, check: HealthcheckInstruction): void {
  giveOnce(stage, "healthcheck", check);
  stage.image.settings.Healthcheck = {
    Test: check.test,
    ...(check.intervalNs && { Interval: check.intervalNs }),
    ...(check.timeoutNs && { Timeout: check.timeoutNs }),
    ...(check.startPeriodNs && { StartPeriod: check.startPeriodNs }),
    ...(check.startIntervalNs && { StartInterval: check.startIntervalNs }),
    ...(check.retries && { Retries: check.retries }),
  };
  const fields = [
    `Test:${goList(check.test)}`,
    `Interval:${formatDurationNs(check.intervalNs)}`,
    `Timeout:${formatDurationNs(check.timeoutNs)}`,
    `StartPeriod:${formatDurationNs(check.startPeriodNs)}`,
    `StartInterval:${formatDurationNs(check.startIntervalNs)}`,
    `Retries:${check.retries}`,
  ];
  stage.record(`HEALTHCHECK {${fields.join(" ")}}`, { layer: false });
}
