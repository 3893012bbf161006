import { getSystemErrorMessage, getSystemErrorName } from "node:util";

/** A path, which need not be UTF-8. */
type Bytes = string | Uint8Array;

/** What Node throws when a system call fails, and what base/sys throws too. */
export interface SystemError extends Error {
  /** The symbolic name, for instance `ENOENT`. */
  readonly code: string;
  /** Negative, as in Node's own errors. */
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;
  readonly dest?: string;
}

/** The error for `errno` (positive), worded as Node words its own. */
export function systemError(errno: number, syscall: string, path?: Bytes, dest?: Bytes, detail?: string): SystemError {
  const code = getSystemErrorName(-errno);
  let message = `${code}: ${getSystemErrorMessage(-errno)}, ${syscall}`;
  const at = path === undefined ? undefined : text(path);
  const to = dest === undefined ? undefined : text(dest);
  if (at !== undefined) message += ` '${at}'`;
  if (to !== undefined) message += ` -> '${to}'`;
  if (detail) message += ` (${detail})`;
  return Object.assign(new Error(message), {
    code,
    errno: -errno,
    syscall,
    ...(at === undefined ? {} : { path: at }),
    ...(to === undefined ? {} : { dest: to }),
  });
}

/** Whether `error` is a failed system call, with one of `codes` where any are given. */
export function isSystemError(error: unknown, ...codes: string[]): error is SystemError {
  if (!(error instanceof Error)) return false;
  const { code, errno } = error as Partial<SystemError>;
  return typeof code === "string" && typeof errno === "number" && (codes.length === 0 || codes.includes(code));
}

function text(value: Bytes): string {
  return typeof value === "string" ? value : Buffer.from(value).toString();
}

/** Where Node says other words than the system's own. */
const goWords: Readonly<Record<string, string>> = {
  EBUSY: "device or resource busy",
  EEXIST: "file exists",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  ETXTBSY: "text file busy",
  EXDEV: "invalid cross-device link",
};
/** Where Node names another call than the system's own. */
const goCalls: Readonly<Record<string, string>> = { scandir: "open" };

/**
 * What a failed system call says, as programs written in Go word it, which is what people search for: `open /none: no such file or directory`.
 * `undefined` for errors that Node words otherwise: those of the network.
 */
export function systemErrorText(error: unknown): string | undefined {
  if (!isSystemError(error)) return undefined;
  const [, words] = /^E[A-Z0-9]+: ([^,]+), \w+/.exec(error.message) ?? [];
  if (words === undefined) return undefined;
  const { code, path, dest } = error;
  const syscall = goCalls[error.syscall] ?? error.syscall;
  const detail = / (\(.*\))$/s.exec(error.message)?.[1];
  const what = [syscall, ...(path === undefined ? [] : [path]), ...(dest === undefined ? [] : [`-> ${dest}`])].join(
    " ",
  );
  return `${what}: ${goWords[code] ?? words}${detail === undefined ? "" : ` ${detail}`}`;
}
