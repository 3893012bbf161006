/** What the engine asks its helper to start. */
export interface SpawnRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  /** The whole environment; undefined: the engine's own. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** `pipe`: frames follow. A path: the helper opens it. */
  readonly stdin: "pipe" | "ignore" | { readonly file: string };
  readonly stdout: "pipe" | "ignore" | { readonly file: string };
  readonly stderr: "pipe" | "ignore";
  readonly ifOrphaned?: OrphanCommand | undefined;
}

/** A command that undoes what a process leaves behind. The helper runs it when the engine is gone. */
export interface OrphanCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** How a process ended: by itself (`code`), or by a signal. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Why a process could not be started, as the fields of Node's error. */
export interface SpawnFailure {
  readonly message: string;
  readonly code?: string | undefined;
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
  readonly path?: string | undefined;
}
