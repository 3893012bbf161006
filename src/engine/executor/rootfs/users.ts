import { BuildError } from "../../../base/errors/mod.ts";

/** Whom a process runs as. */
export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, as /etc/group has them. */
  readonly additionalGids: readonly number[];
  /** From /etc/passwd, `/` for users that it does not know. */
  readonly home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const maxId = 2 ** 31 - 1;

/**
 * Finds the user that `text` means: `name`, `uid`, either with `:group` or `:gid`; empty is root. Numbers need no entry. With an explicit group there
 * are no supplementary ones.
 * @throws {BuildError} `invalid_argument` in runc's words when a name is not in its file
 */
export function findUser(text: string, files: { readonly passwd: string; readonly group: string }): ProcessUser {
  const [userPart = "", groupPart = ""] = splitOnce(text, ":");
  const wanted = userPart === "" ? "0" : userPart;
  const number = parseId(wanted);
  const passwd = parsePasswd(files.passwd);
  // A name that looks like a number may still be a name; files decide before numbers do.
  const entry = passwd.find(({ name }) => name === wanted) ?? passwd.find(({ uid }) => uid === number);
  if (!entry && number === undefined) {
    throw new BuildError("invalid_argument", `unable to find user ${wanted}: no matching entries in passwd file`);
  }
  const uid = entry?.uid ?? number ?? 0;
  const home = entry?.home || "/";
  if (groupPart !== "") {
    return { uid, gid: findGroup(groupPart, files.group), additionalGids: [], home };
  }
  const groups = entry ? parseGroup(files.group).filter(({ members }) => members.includes(entry.name)) : [];
  return { uid, gid: entry?.gid ?? 0, additionalGids: [...new Set(groups.map(({ gid }) => gid))], home };
}

function findGroup(wanted: string, file: string): number {
  const number = parseId(wanted);
  if (number !== undefined) return number;
  const entry = parseGroup(file).find(({ name }) => name === wanted);
  if (entry) return entry.gid;
  throw new BuildError("invalid_argument", `unable to find group ${wanted}: no matching entries in group file`);
}

function parseId(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id > maxId) throw new BuildError("invalid_argument", `uids and gids must be in range 0-${maxId}: ${text}`);
  return id;
}

/** Lines that cannot be read are left out, as the C library does. */
function parsePasswd(file: string): PasswdEntry[] {
  return rows(file).flatMap(([name, , uid, gid, , home]) => {
    const ids = [Number(uid), Number(gid)] as const;
    return name && isId(uid) && isId(gid) ? [{ name, uid: ids[0], gid: ids[1], home: home ?? "" }] : [];
  });
}

function parseGroup(file: string): GroupEntry[] {
  return rows(file).flatMap(([name, , gid, members]) => {
    return name && isId(gid) ? [{ name, gid: Number(gid), members: (members ?? "").split(",") }] : [];
  });
}

function isId(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,10}$/.test(text);
}

function rows(file: string): string[][] {
  return file
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
