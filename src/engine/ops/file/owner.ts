import type { pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import type { Owner } from "./directories.ts";

/** Gives the text of a file in one of the op's trees; `undefined` when it does not exist. Links are followed. */
export type ReadText = (input: number, path: string) => Promise<string | undefined>;

/**
 * Who is meant by an owner option: a number stands for user and group alike, a name is looked up in `/etc/passwd` (and gives the
 * user's own group) or `/etc/group` of the tree that the option names. Names that are not found, and trees without these files, mean root.
 * @returns `undefined` when the option is not given
 * @throws {BuildError} when a name comes without a tree to look it up in
 */
export async function lookUpOwner(option: pb.ChownOpt | undefined, read: ReadText): Promise<Owner | undefined> {
  if (!option) return undefined;
  let owner: Owner = { uid: 0, gid: 0 };
  const user = option.user?.user;
  if (user?.case === "byID") owner = { uid: user.value, gid: user.value };
  if (user?.case === "byName") {
    const found = findUser((await read(inputOf(user.value, "user"), "/etc/passwd")) ?? "", user.value.name);
    if (found) owner = found;
  }
  const group = option.group?.user;
  if (group?.case === "byID") owner = { uid: owner.uid, gid: group.value };
  if (group?.case === "byName") {
    const text = (await read(inputOf(group.value, "group"), "/etc/group")) ?? "";
    owner = { uid: owner.uid, gid: findGroup(text, group.value.name) ?? owner.gid };
  }
  return owner;
}

function inputOf({ input }: pb.NamedUserOpt, what: string): number {
  if (input < 0n) throw new BuildError("invalid_argument", `invalid ${what} index ${input}`);
  return Number(input);
}

function findUser(passwd: string, name: string): Owner | undefined {
  for (const line of passwd.split("\n")) {
    const [login, , uid, gid] = line.trim().split(":");
    if (login === name && isId(uid) && isId(gid)) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

function findGroup(groups: string, name: string): number | undefined {
  for (const line of groups.split("\n")) {
    const [group, , gid] = line.trim().split(":");
    if (group === name && isId(gid)) return Number(gid);
  }
  return undefined;
}

function isId(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= 0xffffffff;
}
