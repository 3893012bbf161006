import { allowedNames, type SyscallArchitecture } from "./syscall-table.ts";

/** What happens instead of a call that is refused: the call fails with this error. */
export const EPERM = 1;
export const ENOSYS = 38;

/** Calls above this number are newer than the table. They "do not exist": programs are written to fall back from that, not from "not permitted". */
export const newestKnownCall = 456;

/** `CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET`. */
const newNamespaces = 0x7e02_0000;
const AF_VSOCK = 40;

/** When a call is allowed, judged by its first argument (the lower 32 bits, which is all that these calls look at). */
export type Condition =
  | { readonly type: "noBits"; readonly mask: number }
  | { readonly type: "not"; readonly value: number }
  | { readonly type: "oneOf"; readonly values: readonly number[] }
  /** Never, and in a way that lets the C library use an older call whose arguments can be judged. */
  | { readonly type: "absent" };

/** Calls that are allowed only sometimes. */
export const conditions: Readonly<Record<string, Condition>> = {
  // Making namespaces would give a process capabilities inside them. clone3 hides its flags behind a pointer.
  clone: { type: "noBits", mask: newNamespaces },
  clone3: { type: "absent" },
  // Sockets to the hypervisor are not confined by any namespace.
  socket: { type: "not", value: AF_VSOCK },
  // Linux, 32-bit Linux, either with BSD's uname; and asking for the current one. Others switch protections off.
  personality: { type: "oneOf", values: [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff] },
};

/** The `linux.seccomp` section of a runtime config that says the same in words. */
export function runtimeProfile(architecturesOfHost: readonly SyscallArchitecture[]): object {
  const rules = Object.entries(conditions).flatMap(([name, condition]) => conditionRules(name, condition));
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    architectures: architecturesOfHost.map((name) => runtimeNames[name]),
    syscalls: [{ names: allowedNames.filter((name) => !(name in conditions)), action: "SCMP_ACT_ALLOW" }, ...rules],
  };
}

const runtimeNames: Readonly<Record<SyscallArchitecture, string>> = {
  x86_64: "SCMP_ARCH_X86_64",
  i386: "SCMP_ARCH_X86",
  aarch64: "SCMP_ARCH_AARCH64",
  arm: "SCMP_ARCH_ARM",
};

function conditionRules(name: string, condition: Condition): object[] {
  const allow = (arg: object) => ({ names: [name], action: "SCMP_ACT_ALLOW", args: [{ index: 0, ...arg }] });
  switch (condition.type) {
    case "noBits":
      return [allow({ value: condition.mask, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" })];
    case "not":
      return [allow({ value: condition.value, op: "SCMP_CMP_NE" })];
    case "oneOf":
      return condition.values.map((value) => allow({ value, op: "SCMP_CMP_EQ" }));
    case "absent":
      return [{ names: [name], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS }];
  }
}
