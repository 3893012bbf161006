import type { CliContext } from "./context.ts";
import type { FlagTable, FlagValues } from "./flags/flag.ts";

/** The flags that every command takes. */
export const globalFlags = {
  builder: { kind: "string", usage: "Override the configured builder instance" },
  debug: { kind: "bool", short: "D", usage: "Enable debug logging" },
} as const satisfies FlagTable;

/** One use of a command: its flags and arguments, parsed and counted. */
export interface Invocation<T extends FlagTable = FlagTable> {
  readonly context: CliContext;
  /** As typed: `polyarch imagetools inspect`. */
  readonly path: string;
  readonly flags: FlagValues<T>;
  readonly globals: FlagValues<typeof globalFlags>;
  /** Names of the flags that were really written. */
  readonly given: ReadonlySet<string>;
  readonly args: readonly string[];
}

/** One command or group of commands. Only tables and text: what a command does is loaded when it runs. */
export interface Command {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line for the list of commands and the head of the help. */
  readonly summary: string;
  /** What follows the name in the usage line. */
  readonly usage?: string;
  /** How many arguments it takes; `max` absent: any number. */
  readonly args?: { readonly min: number; readonly max?: number };
  /** What a shell offers as argument. */
  readonly completeArgs?: "directory" | readonly string[];
  readonly flags: FlagTable;
  /** What follows the first argument is another program's command line: flags stand before it. */
  readonly flagsFirst?: true;
  readonly commands?: readonly Command[];
  /** Names of docker buildx's commands that are not here, with what people can do instead. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  readonly hidden?: boolean;
  /** @returns the exit code */
  readonly run?: (invocation: Invocation) => Promise<number>;
}

/** Declares a command, and gives its `run` flag values of the types that its table says. */
export function defineCommand<const T extends FlagTable>(
  command: Omit<Command, "flags" | "run"> & {
    readonly flags: T;
    readonly run: (invocation: Invocation<T>) => Promise<number>;
  },
): Command {
  return command as unknown as Command;
}
