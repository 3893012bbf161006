import { BuildError } from "../../../base/errors/mod.ts";
import type { ProcessSpec } from "../executor.ts";

/** An entry of `process.rlimits`; the limits are numbers, or something that JSON writes as one. */
export interface RuntimeLimit {
  readonly type: string;
  readonly soft: unknown;
  readonly hard: unknown;
}

const names = new Set(
  "AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NICE NOFILE NPROC RSS RTPRIO RTTIME SIGPENDING STACK".split(" "),
);

/** How many files a process may have open unless it asks for more: programs that close "all" descriptors take minutes with a million. */
const defaultOpenFiles = 1024;

/**
 * The limits of a process. Node raises its own soft limit of open files to the hard one at start, and would hand that down, so that one is always set.
 * @throws {BuildError} `invalid_argument` for a name that Linux does not have, or a soft limit above the hard one
 */
export function runtimeLimits(ulimits: ProcessSpec["ulimits"], inheritedOpenFiles: number): readonly RuntimeLimit[] {
  const limits = (ulimits ?? []).map(({ name, soft, hard }) => {
    const upper = name.toUpperCase().replace(/^RLIMIT_/, "");
    if (!names.has(upper)) throw new BuildError("invalid_argument", `invalid ulimit type: ${name}`);
    if (unlimited(soft) > unlimited(hard)) {
      throw new BuildError(
        "invalid_argument",
        `ulimit soft limit must be less than or equal to hard limit: ${name}: ${soft} > ${hard}`,
      );
    }
    return { type: `RLIMIT_${upper}`, soft: wire(soft), hard: wire(hard) };
  });
  if (limits.some(({ type }) => type === "RLIMIT_NOFILE")) return limits;
  return [
    ...limits,
    { type: "RLIMIT_NOFILE", soft: Math.min(defaultOpenFiles, inheritedOpenFiles), hard: inheritedOpenFiles },
  ];
}

/** -1 stands for "no limit". */
function unlimited(value: number): number {
  return value < 0 ? Number.POSITIVE_INFINITY : value;
}

/** 2^64 - 1, Linux's "no limit", which is no number of JavaScript's. */
const infinity: unknown = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON("18446744073709551615");

function wire(value: number): unknown {
  return value < 0 ? infinity : value;
}
