import { parseCsvFields } from "../../base/text/csv/mod.ts";
import { goQuote, parseByteSize, parseGoBool } from "../../base/text/go-values/mod.ts";
import { withSuggestion } from "../../base/text/suggest/mod.ts";

/** `RUN --mount=…` as written: its values may still name variables. */
export interface RunMountText {
  readonly fields: readonly { readonly key: string; readonly value: string | undefined; readonly text: string }[];
  /** `from`: known before expansion, since stages depend on it. */
  readonly from: string | undefined;
}

export type MountType = "bind" | "cache" | "tmpfs" | "secret" | "ssh";
export type CacheSharing = "shared" | "private" | "locked";

/** A mount after expansion, checked. */
export interface RunMount {
  readonly type: MountType;
  readonly from: string | undefined;
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
  readonly id: string;
  readonly sharing: CacheSharing | undefined;
  readonly required: boolean;
  readonly sizeBytes: number;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly env: string | undefined;
}

const mountTypes: readonly MountType[] = ["bind", "cache", "tmpfs", "secret", "ssh"];
const sharings: readonly CacheSharing[] = ["shared", "private", "locked"];
const mountKeys =
  "type from source src target dst destination readonly ro readwrite rw id sharing required size mode uid gid env".split(
    " ",
  );

/** First pass, while parsing. @throws {Error} when `from` names a variable */
export function parseMountText(flag: string): RunMountText {
  const fields = csvFields(flag).map((text) => {
    const at = text.indexOf("=");
    const key = (at < 0 ? text : text.slice(0, at)).toLowerCase();
    return { key, value: at < 0 ? undefined : text.slice(at + 1), text };
  });
  const from = fields.findLast(({ key, value }) => key === "from" && value !== undefined)?.value;
  const dollar = from?.indexOf("$") ?? -1;
  if (from !== undefined && dollar >= 0 && dollar !== from.length - 1) {
    throw new Error("'from' doesn't support variable expansion, define alias stage instead");
  }
  return { fields, from: from === "" ? undefined : from };
}

/** The unchecked fields, while they are collected. */
interface Draft {
  type: MountType;
  from: string | undefined;
  source: string;
  target: string;
  readonly: boolean | undefined;
  id: string;
  sharing: CacheSharing | undefined;
  required: boolean;
  sizeBytes: number;
  mode: number | undefined;
  uid: number | undefined;
  gid: number | undefined;
  env: string | undefined;
}

/**
 * Second pass, when variables are known.
 * @throws {Error} with BuildKit's words
 */
export function resolveMount(text: RunMountText, expand: (word: string) => string): RunMount {
  const draft: Draft = {
    type: "bind",
    from: text.from,
    source: "",
    target: "",
    readonly: undefined,
    id: "",
    sharing: undefined,
    required: false,
    sizeBytes: 0,
    mode: undefined,
    uid: undefined,
    gid: undefined,
    env: undefined,
  };
  for (const field of text.fields) {
    if (field.value === undefined) applyBare(draft, field.key, field.text);
    else applyValue(draft, field.key, expand(field.value), field.text);
  }
  check(draft);
  return { ...draft, readonly: draft.readonly ?? (draft.type !== "cache" && draft.type !== "tmpfs") };
}

function applyBare(draft: Draft, key: string, text: string): void {
  if (key === "readonly" || key === "ro") draft.readonly = true;
  else if (key === "readwrite" || key === "rw") draft.readonly = false;
  else if (key === "required") setRequired(draft, key, true);
  else throw new Error(`invalid field '${text}' must be a key=value pair`);
}

function applyValue(draft: Draft, key: string, value: string, text: string): void {
  switch (key) {
    case "type":
      draft.type = oneOf(mountTypes, value, "unsupported mount type");
      break;
    case "from":
      break; // taken before expansion
    case "source":
    case "src":
      draft.source = value;
      break;
    case "target":
    case "dst":
    case "destination":
      draft.target = value;
      break;
    case "readonly":
    case "ro":
      draft.readonly = parseBoolean(key, value);
      break;
    case "readwrite":
    case "rw":
      draft.readonly = !parseBoolean(key, value);
      break;
    case "required":
      setRequired(draft, key, parseBoolean(key, value));
      break;
    case "size":
      if (draft.type !== "tmpfs") throw unexpectedKey(key, draft.type);
      draft.sizeBytes = parseSize(key, value);
      break;
    case "id":
      draft.id = value;
      break;
    case "sharing":
      draft.sharing = oneOf(sharings, value, "unsupported sharing value");
      break;
    case "mode":
      draft.mode = parseUnsigned(key, value, 8);
      break;
    case "uid":
    case "gid":
      draft[key] = parseUnsigned(key, value, 10);
      break;
    case "env":
      draft.env = value;
      break;
    default:
      throw new Error(withSuggestion(`unexpected key '${key}' in '${text}'`, key, mountKeys));
  }
}

function check(draft: Draft): void {
  const { type } = draft;
  if (type === "bind" || type === "tmpfs") {
    for (const key of ["mode", "uid", "gid"] as const) {
      if (draft[key] !== undefined) throw new Error(`${key} not allowed for "${type}" type mounts`);
    }
  }
  if (type === "secret") {
    if (draft.from !== undefined) throw new Error("secret mount should not have a from");
    if (draft.sharing !== undefined) throw new Error("secret mount should not define sharing");
    if (draft.source === "" && draft.target === "" && draft.id === "") {
      throw new Error("invalid secret mount. one of source, target required");
    }
    if (draft.source !== "" && draft.id !== "") throw new Error("both source and id can't be set");
  }
  if (draft.sharing !== undefined && type !== "cache") throw new Error(`invalid cache sharing set for ${type} mount`);
}

function setRequired(draft: Draft, key: string, value: boolean): void {
  if (draft.type !== "secret" && draft.type !== "ssh") throw unexpectedKey(key, draft.type);
  draft.required = value;
}

const unexpectedKey = (key: string, type: MountType) => new Error(`unexpected key '${key}' for mount type '${type}'`);

function oneOf<T extends string>(choices: readonly T[], value: string, complaint: string): T {
  const found = choices.find((choice) => choice === value.toLowerCase());
  if (found === undefined) throw new Error(withSuggestion(`${complaint} ${goQuote(value)}`, value, choices));
  return found;
}

function parseBoolean(key: string, value: string): boolean {
  const parsed = parseGoBool(value);
  if (parsed === undefined) throw new Error(`invalid value for ${key}: ${value}`);
  return parsed;
}

function parseUnsigned(key: string, value: string, radix: 8 | 10): number {
  const number = (radix === 8 ? /^[0-7]+$/ : /^\d+$/).test(value) ? Number.parseInt(value, radix) : Number.NaN;
  if (!(number < 2 ** 32)) throw new Error(`invalid value ${value} for ${key}`);
  return number;
}

function parseSize(key: string, value: string): number {
  const parsed = parseByteSize(value);
  if (parsed === undefined) throw new Error(`invalid value for ${key}: ${value}`);
  return parsed;
}

function csvFields(flag: string): readonly string[] {
  try {
    return parseCsvFields(flag);
  } catch (error) {
    throw new Error(`failed to parse csv mounts: ${(error as Error).message}`, { cause: error });
  }
}
