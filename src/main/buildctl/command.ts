import type { FlagTable } from "../../cli/flags/flag.ts";
import type { BuildKitClient, Dial } from "../../client/mod.ts";

/** One command line, taken apart. */
export interface Call {
  /** Reaches the engine. */
  readonly open: Dial;
  /** A client of it, which lives as long as the command. */
  readonly client: BuildKitClient;
  /** What stands behind the command's name. */
  readonly args: readonly string[];
  readonly flags: {
    text(name: string): string;
    isOn(name: string): boolean;
    list(name: string): readonly string[];
    /** Milliseconds. 0 when the flag is not given. */
    duration(name: string): number;
  };
  /** Aborts when the time is up that an answer may take, for commands that want one at once. */
  readonly promptly: AbortSignal;
  readonly write: (text: string | Uint8Array) => void;
}

/** One command of `buildctl`. */
export interface Command {
  /** One line for help. */
  readonly usage: string;
  /** What stands behind its name, for help and for messages; nothing when left out. */
  readonly argument?: { readonly word: string; readonly missing: string };
  readonly flags: FlagTable;
  /** Loads what runs it. */
  readonly load: () => Promise<(call: Call) => Promise<void>>;
}
