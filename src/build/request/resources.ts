import { BuildError } from "../../base/errors/mod.ts";
import { parseByteSize } from "../../base/text/go-values/mod.ts";

/** How a limit's value is read: to the text that the frontend takes, or `undefined` when it makes no sense. */
type Reader = (value: string) => string | undefined;

const bytes: Reader = (value) => {
  const size = parseByteSize(value);
  return size ? String(size) : undefined;
};
const positive: Reader = (value) => (/^0*[1-9]\d*$/.test(value) ? value : undefined);
const list: Reader = (value) => (/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(value) ? value : undefined);

/** The limits by their names: what the frontend calls them, how they are read, and what they want. */
const limits: Readonly<Record<string, readonly [attr: string, read: Reader, wants: string]>> = {
  memory: ["memory", bytes, "a size, for instance 512m"],
  "memory-swap": ["memswap", (value) => (value === "-1" ? value : bytes(value)), "a size, for instance 1g, or -1"],
  "cpu-shares": ["cpushares", positive, "a number above 0"],
  "cpu-period": ["cpuperiod", positive, "microseconds, above 0"],
  "cpu-quota": ["cpuquota", positive, "microseconds, above 0"],
  "cpuset-cpus": ["cpusetcpus", list, "a list of CPUs, for instance 0-3,6"],
  "cpuset-mems": ["cpusetmems", list, "a list of memory nodes, for instance 0,1"],
};

const attrs: ReadonlySet<string> = new Set(Object.values(limits).map(([attr]) => attr));

/** Whether an attribute of the frontend is such a limit. */
export function isResourceAttr(attr: string): boolean {
  return attrs.has(attr);
}

/** What `--resource` may name. */
export const resourceNames: readonly string[] = Object.keys(limits);

/**
 * What each step may use, as attributes for the frontend.
 * @param given `name=value`, as typed; the last of a name wins
 * @throws {BuildError} `invalid_argument`
 */
export function resourceAttrs(given: readonly string[]): Readonly<Record<string, string>> {
  const attrs: Record<string, string> = {};
  for (const text of given) {
    const at = text.indexOf("=");
    if (at < 1) throw invalid(`invalid resource ${JSON.stringify(text)}, expected key=value`);
    const [name, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    if (!limit) {
      throw invalid(`unknown resource ${JSON.stringify(name)}, expected one of ${resourceNames.join(", ")}`);
    }
    const [attr, read, wants] = limit;
    const taken = read(value);
    if (taken === undefined) throw invalid(`invalid ${name} ${JSON.stringify(value)}: want ${wants}`);
    attrs[attr] = taken;
  }
  const { memory, memswap } = attrs;
  if (memswap !== undefined && memory === undefined) {
    throw invalid("a limit of memory-swap needs one of memory, too: it counts memory and swap together");
  }
  if (memory !== undefined && Number(memswap ?? -1) >= 0 && Number(memswap) < Number(memory)) {
    throw invalid("memory-swap must not be below memory: it counts memory and swap together");
  }
  return attrs;
}

const invalid = (message: string) => new BuildError("invalid_argument", message);
