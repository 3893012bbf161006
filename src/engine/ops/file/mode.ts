import { BuildError } from "../../../base/errors/mod.ts";

/** Gives an entry of some mode (0…07777) its new mode. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

/** Sets the permission bits and those for setuid, setgid and sticky, whatever was there. */
export function fixedMode(mode: number): ModeChange {
  return () => mode & 0o7777;
}

/**
 * What `chmod` understands: octal digits, or clauses such as `u=rwX,go-w`, separated by commas. There is no umask: a clause that names
 * nobody is for all.
 * @throws {BuildError} `invalid_argument`: `invalid mode: "…"`
 */
export function parseModeChange(text: string): ModeChange {
  if (/^[0-7]{1,5}$/.test(text)) return fixedMode(Number.parseInt(text, 8));
  const changes = text.split(",").flatMap((clause) => parseClause(clause, text));
  return (mode, isDirectory) => changes.reduce((now, change) => change(now, isDirectory), mode);
}

/** Bits of user, group and others. */
const whoBits: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const permissionBits: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111 };
const shifts: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };

function parseClause(clause: string, text: string): ModeChange[] {
  const [, who = "", actions = ""] = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause) ?? [];
  if (actions === "") throw new BuildError("invalid_argument", `invalid mode: ${JSON.stringify(text)}`);
  const whom = (who === "" ? "a" : who).split("").reduce((bits, letter) => bits | (whoBits[letter] ?? 0), 0);
  return [...actions.matchAll(/([-+=])([rwxXst]*|[ugo])(?=[-+=]|$)/g)].map(([, operator = "", what = ""]) => {
    return (mode, isDirectory) => apply(operator, mode, bitsOf(what, mode, isDirectory, whom), whom, isDirectory);
  });
}

function bitsOf(what: string, mode: number, isDirectory: boolean, whom: number): number {
  const copied = shifts[what];
  if (copied !== undefined) return (((mode >> copied) & 7) * 0o111) & whom;
  let bits = 0;
  for (const letter of what) {
    if (letter === "X") bits |= isDirectory || mode & 0o111 ? 0o111 : 0;
    else if (letter === "s") bits |= 0o6000;
    else if (letter === "t") bits |= 0o1000;
    else bits |= permissionBits[letter] ?? 0;
  }
  // The sticky bit belongs to nobody in particular.
  return (bits & whom & 0o6777) | (what.includes("t") ? 0o1000 : 0);
}

function apply(operator: string, mode: number, bits: number, whom: number, isDirectory: boolean): number {
  if (operator === "+") return mode | bits;
  if (operator === "-") return mode & ~bits;
  // As chmod does, `=` leaves setuid and setgid of a directory alone unless it names them.
  const cleared = whom & (isDirectory ? 0o777 : 0o6777);
  return (mode & ~cleared) | bits;
}
