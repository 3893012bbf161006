/** What each level of x86-64 adds, in the words of /proc/cpuinfo. */
const levels: readonly (readonly [string, string])[] = [
  ["v2", "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3"],
  ["v3", "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"],
  ["v4", "avx512f avx512bw avx512cd avx512dq avx512vl"],
];

/** The variants of amd64 above the basic one that a processor runs, lowest first. */
export function amd64Variants(cpuinfo: string): readonly string[] {
  const flags = new Set(/^flags\s*:\s*(.*)$/m.exec(cpuinfo)?.[1]?.split(" ") ?? []);
  const first = levels.findIndex(([, needed]) => !needed.split(" ").every((flag) => flags.has(flag)));
  return levels.slice(0, first < 0 ? levels.length : first).map(([variant]) => variant);
}
