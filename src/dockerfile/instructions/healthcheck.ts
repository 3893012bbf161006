import { goQuote } from "../../base/text/go-values/mod.ts";
import type { InstructionNode } from "../parser/mod.ts";
import { parseDurationNs } from "./duration.ts";
import { type FlagValues, parseFlags } from "./flags.ts";
import { baseOf, someArguments } from "./instruction-base.ts";
import type { HealthcheckInstruction } from "./types.ts";

/** `HEALTHCHECK NONE` or `HEALTHCHECK [flags] CMD command`. @throws {Error} with BuildKit's words */
export function parseHealthcheck(node: InstructionNode): HealthcheckInstruction {
  const [first = "", ...command] = someArguments(node);
  const type = first.toUpperCase();
  const base = { type: "healthcheck" as const, ...baseOf(node) };
  const unset = { intervalNs: 0, timeoutNs: 0, startPeriodNs: 0, startIntervalNs: 0, retries: 0 };
  if (type === "NONE") {
    if (command.length > 0) throw new Error("HEALTHCHECK NONE takes no arguments");
    return { ...base, test: ["NONE"], ...unset }; // whatever flags there are
  }
  const flags = parseFlags(node.flags, {
    interval: "string",
    timeout: "string",
    "start-period": "string",
    "start-interval": "string",
    retries: "string",
  });
  if (type !== "CMD") throw new Error(`Unknown type ${goQuote(type)} in HEALTHCHECK (try CMD)`);
  if (command.length === 0) throw new Error("Missing command after HEALTHCHECK CMD");
  return {
    ...base,
    test: node.json ? ["CMD", ...command] : ["CMD-SHELL", ...command],
    intervalNs: interval(flags, "interval"),
    timeoutNs: interval(flags, "timeout"),
    startPeriodNs: interval(flags, "start-period"),
    startIntervalNs: interval(flags, "start-interval"),
    retries: retries(flags),
  };
}

function interval(flags: FlagValues, name: string): number {
  const text = flags.string(name);
  if (!text) return 0;
  const ns = parseDurationNs(text);
  if (ns !== 0 && ns < 1e6) throw new Error(`Interval ${goQuote(name)} cannot be less than 1ms`);
  return ns;
}

function retries(flags: FlagValues): number {
  const text = flags.string("retries");
  if (!text) return 0;
  const count = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(Math.abs(count) < 2 ** 31)) throw new Error(`strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`);
  if (count < 0) throw new Error(`--retries cannot be negative (${count})`);
  return count;
}
