import { resolve } from "node:path/posix";
import { formatPlatform, type Platform } from "../../../oci/mod.ts";
import type { ContainedProcess } from "../executor.ts";
import type { RootDirectory } from "../rootfs/mod.ts";
import { needsLoader, whyNot } from "./why-not.ts";

/** As much of what a process has said last is looked at. */
const tailBytes = 4096;
/** So many of the names in it. */
const mostNames = 8;
/** 128 and SIGILL: what shells and runtimes make of it. */
const illegalInstruction = 132;

/** The end of what a process says, for {@link hintFor}. */
export class Tail {
  #bytes = Buffer.alloc(0);
  push(data: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, data.subarray(-tailBytes)]).subarray(-tailBytes);
  }
  get text(): string {
    return this.#bytes.toString("latin1");
  }
}

/** What a process that has failed was. */
export interface FailedProcess {
  readonly process: Pick<ContainedProcess, "args" | "env" | "cwd">;
  readonly platform: Platform;
  /** The machine runs it through an emulator. */
  readonly isEmulated: boolean;
  readonly code: number;
  /** The end of what it said. */
  readonly said: string;
}

/**
 * What people should know about the failure of a process that itself was started: it has started another one that cannot run here, or has met an
 * instruction that the processor does not have. Shells tell the first in many ways, and the second hardly at all.
 * @returns `undefined` mostly
 */
export function hintFor(root: RootDirectory, failed: FailedProcess): string | undefined {
  const { process, platform, code, said } = failed;
  for (const name of namesIn(said)) {
    for (const cwd of directoriesOf(process)) {
      const why = whyNot(root, { env: process.env, cwd, args: [name] }, platform, { sure: true });
      if (why !== undefined) return why;
    }
  }
  const loader = /Could not open '(\/[^']*)'/.exec(said)?.[1];
  if (failed.isEmulated && loader !== undefined) return needsLoader("a program", loader);
  if (code !== illegalInstruction || !failed.isEmulated) return undefined;
  const its = formatPlatform(platform);
  return `a program met an instruction that the emulated processor for ${its} does not have (illegal instruction): build it for an older processor (amd64: GOAMD64=v1, -march=x86-64), or on a builder with a real ${its} machine`;
}

/** Lines in which shells, `env` and emulators say that a program could not be started, or in which a shell has taken one for a script. */
const complaints: readonly RegExp[] = [
  /(?:^|[\s'"`‘])([^\s:'"`’]+)['"’]?: (?:cannot execute(?: binary file)?|Exec format error|exec format error)/gm,
  /(?:^|[\s'"`‘])([^\s:'"`’]+)['"’]?: (?:not found|No such file or directory|required file not found)/gm,
  /^([^\s:]+): (?:line )?\d+: (?:.*: not found|[Ss]yntax error)/gm,
];
/** Where a relative name may be: where the process began, or where a script says that it goes. */
function directoriesOf({ args, cwd }: Pick<ContainedProcess, "args" | "cwd">): readonly string[] {
  const visited = args.flatMap((arg) => [...arg.matchAll(/\bcd\s+["']?([^\s"';&|]+)/g)].map(([, to = ""]) => to));
  return [...new Set([cwd, ...visited.slice(0, mostNames).map((to) => resolve(cwd, to))])];
}

function namesIn(said: string): readonly string[] {
  const names = complaints.flatMap((pattern) => [...said.matchAll(pattern)].map(([, name = ""]) => name));
  return [...new Set(names)].slice(0, mostNames);
}
