import { type Condition, conditions, ENOSYS, EPERM, newestKnownCall } from "./profile.ts";
import { allowedCalls, type SyscallArchitecture } from "./syscall-table.ts";

/** Instructions of classic BPF, as far as the filter needs them. */
const LOAD_WORD = 0x20;
const AND = 0x54;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER_OR_EQUAL = 0x35;
const RETURN = 0x06;

const ALLOW = 0x7fff_0000;
const ERRNO = 0x0005_0000;

/** Where `struct seccomp_data` has what; the lower half of the first argument, on little-endian machines. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const FIRST_ARGUMENT_AT = 16;

const auditArchitecture: Readonly<Record<SyscallArchitecture, number>> = {
  x86_64: 0xc000_003e,
  i386: 0x4000_0003,
  aarch64: 0xc000_00b7,
  arm: 0x4000_0028,
};

interface Instruction {
  readonly code: number;
  readonly ifTrue?: number;
  readonly ifFalse?: number;
  readonly value: number;
}

/** From `from` on (up to the next range) every call gets the same verdict. */
interface Range {
  readonly from: number;
  readonly verdict: number | Condition;
}

/**
 * The filter as the kernel takes it: `struct sock_filter` after `struct sock_filter`, little-endian. libseccomp needs 9 ms for the same, each
 * time a container starts; this is made once.
 */
export function compileFilter(architecturesOfHost: readonly SyscallArchitecture[]): Uint8Array {
  const program: Instruction[] = [{ code: LOAD_WORD, value: ARCHITECTURE_AT }];
  for (const architecture of architecturesOfHost) {
    const block = [{ code: LOAD_WORD, value: NUMBER_AT }, ...decide(ranges(architecture))];
    program.push(
      { code: JUMP_EQUAL, ifTrue: 1, ifFalse: 0, value: auditArchitecture[architecture] },
      { code: JUMP, value: block.length },
    );
    program.push(...block);
  }
  program.push(answer(ERRNO | ENOSYS));
  return encode(program);
}

function ranges(architecture: SyscallArchitecture): Range[] {
  const calls = allowedCalls(architecture);
  const verdict = (number: number): number | Condition => {
    const name = calls.get(number);
    if (name === undefined) return ERRNO | (number > newestKnownCall ? ENOSYS : EPERM);
    return conditions[name] ?? ALLOW;
  };
  // A verdict can change only at, or right after, an allowed call.
  const edges = new Set([0, newestKnownCall + 1, ...[...calls.keys()].flatMap((number) => [number, number + 1])]);
  const result: Range[] = [];
  for (const from of [...edges].sort((a, b) => a - b)) {
    const range = { from, verdict: verdict(from) };
    if (result.at(-1)?.verdict !== range.verdict) result.push(range);
  }
  return result;
}

/** A binary search over the ranges, with the call's number in the accumulator. */
function decide(list: readonly Range[]): Instruction[] {
  const [first] = list;
  if (!first) throw new Error("Internal error: a system call without a verdict");
  if (list.length === 1) return typeof first.verdict === "number" ? [answer(first.verdict)] : judge(first.verdict);
  const middle = list.length >> 1;
  const lower = decide(list.slice(0, middle));
  const upper = decide(list.slice(middle));
  // Conditional jumps reach 255 instructions, plain ones as far as needed.
  const split = list[middle]?.from ?? 0;
  return [
    { code: JUMP_GREATER_OR_EQUAL, ifTrue: 0, ifFalse: 1, value: split },
    { code: JUMP, value: lower.length },
    ...lower,
    ...upper,
  ];
}

function judge(condition: Condition): Instruction[] {
  const load = { code: LOAD_WORD, value: FIRST_ARGUMENT_AT };
  const equal = (value: number, ifTrue: number, ifFalse: number) => ({ code: JUMP_EQUAL, ifTrue, ifFalse, value });
  const refuse = answer(ERRNO | EPERM);
  const allow = answer(ALLOW);
  switch (condition.type) {
    case "noBits":
      return [load, { code: AND, value: condition.mask }, equal(0, 0, 1), allow, refuse];
    case "not":
      return [load, equal(condition.value, 0, 1), refuse, allow];
    case "oneOf": {
      const { values } = condition;
      return [load, ...values.map((value, index) => equal(value, values.length - index, 0)), refuse, allow];
    }
    case "absent":
      return [answer(ERRNO | ENOSYS)];
  }
}

function answer(value: number): Instruction {
  return { code: RETURN, value };
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, ifTrue = 0, ifFalse = 0, value }] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  }
  return bytes;
}
