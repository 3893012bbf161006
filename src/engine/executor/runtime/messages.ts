/** Why a runtime did not start the process. */
export type StartFailure =
  /** The process's own fault: what a shell would say, and the exit code it would give. */
  | {
      readonly type: "command";
      readonly reason: "format" | "missing" | "forbidden";
      readonly text: string;
      readonly code: 126 | 127;
    }
  /** The runtime does not work on this machine. Another one may. */
  | { readonly type: "refusal"; readonly text: string }
  | { readonly type: "other"; readonly text: string };

/** Longer first lines are certainly no message of a runtime. */
const maxMessage = 16 << 10;

/**
 * Separates what a runtime says from what the process prints, both of which come on stderr. A runtime gives its reasons instead of a process's output,
 * so they are the whole text or none of it: lines that look like them are held back until a line comes that does not.
 */
export class StderrFilter {
  readonly #pass: (bytes: Uint8Array) => void;
  /** Complete lines held back, as they came. */
  #lines: Buffer[] = [];
  #messages: string[] = [];
  /** The beginning of a line; undefined once everything passes. */
  #rest: Buffer | undefined = Buffer.alloc(0);
  constructor(pass: (bytes: Uint8Array) => void) {
    this.#pass = pass;
  }

  push(chunk: Uint8Array): void {
    if (this.#rest === undefined) return this.#pass(chunk);
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let end = this.#rest.indexOf(10); end >= 0; end = this.#rest.indexOf(10)) {
      if (!this.#take(this.#rest.subarray(0, end + 1))) return this.release();
      this.#rest = this.#rest.subarray(end + 1);
    }
    if (!couldBeMessage(this.#rest)) this.release();
  }

  /** No more output. @returns the errors that the runtime reported, oldest first */
  end(): readonly string[] {
    if (this.#rest !== undefined && this.#rest.length > 0) {
      if (this.#take(this.#rest)) this.#rest = Buffer.alloc(0);
      else this.release();
    }
    return this.#messages;
  }

  /** What is held back is the process's own after all. */
  release(): void {
    const held = Buffer.concat([...this.#lines, this.#rest ?? Buffer.alloc(0)]);
    this.#lines = [];
    this.#messages = [];
    this.#rest = undefined;
    if (held.length > 0) this.#pass(held);
  }

  #take(line: Buffer): boolean {
    const message = runtimeMessage(line.toString().trimEnd());
    if (message === undefined) return false;
    if (message.level !== "error") return true; // a warning concerns nobody who reads a build's output
    this.#lines.push(Buffer.from(line));
    this.#messages.push(message.text);
    return true;
  }
}

/** crun and runc word the same failures differently; people search for the words of runc and Docker. */
export function explainFailure(messages: readonly string[], command: string): StartFailure | undefined {
  const text = messages.join("; ");
  if (text === "") return undefined;
  if (/cgroups in hybrid mode not supported/i.test(text)) return { type: "refusal", text };
  const reason = commandFailures.find(({ pattern }) => pattern.test(text));
  if (reason) {
    const searched = reason.code === 127 && !command.includes("/") ? "executable file not found in $PATH: " : "";
    return {
      type: "command",
      reason: reason.reason,
      text: `exec ${command}: ${searched}${reason.words}`,
      code: reason.code,
    };
  }
  return { type: "other", text };
}

const commandFailures = [
  { pattern: /exec.*exec format error/i, reason: "format", words: "exec format error", code: 126 },
  {
    pattern: /executable file .*not found in \$PATH|exec.*no such file or directory/i,
    reason: "missing",
    words: "no such file or directory",
    code: 127,
  },
  {
    pattern: /(open executable|exec).*(permission denied|operation not permitted|is a directory)/i,
    reason: "forbidden",
    words: "permission denied",
    code: 126,
  },
] as const;

function runtimeMessage(line: string): { readonly level: string; readonly text: string } | undefined {
  // What runc's last step says, when it has already become the process.
  const plain = /^(exec .*: (?:exec format error|no such file or directory|permission denied))$/.exec(line)?.[1];
  if (plain !== undefined) return { level: "error", text: plain };
  // runc repeats its message in plain words, beside the JSON line.
  if (/^(runc run|exec) failed: /.test(line)) return { level: "error", text: line };
  if (!line.startsWith("{")) return undefined;
  try {
    const { msg, level, time } = JSON.parse(line) as Record<string, unknown>;
    return typeof msg === "string" && typeof level === "string" && typeof time === "string"
      ? { level, text: msg }
      : undefined;
  } catch {
    return undefined;
  }
}

function couldBeMessage(held: Buffer): boolean {
  if (held.length === 0) return true;
  if (held.length > maxMessage) return false;
  const text = held.toString("utf8", 0, 32);
  return ['{"', "runc run failed: ", "exec "].some(
    (start) => text.startsWith(start.slice(0, text.length)) || text.startsWith(start),
  );
}
