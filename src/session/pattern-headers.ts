import type { TreeFilter } from "../filesync/mod.ts";
import { Metadata } from "../rpc/mod.ts";

/** Keys of the metadata that say which directory, and which part of it, FileSync is to send. */
const directoryKey = "dir-name";
const filterKeys = { include: "include-patterns", exclude: "exclude-patterns", followPaths: "followpaths" } as const;

/** What FileSync is asked to send. */
export interface DirectoryRequest extends TreeFilter {
  /** Name under which the client shares the directory. */
  readonly dirName: string;
}

/** The request as metadata. Values that are not ASCII are query-escaped, all of their key then, and the key is marked. */
export function encodeDirectoryRequest(request: DirectoryRequest): Metadata {
  const metadata = new Metadata();
  const put = (key: string, values: readonly string[]) => {
    const plain = values.every((value) => /^[\x20-\x7e]*$/.test(value));
    if (!plain) metadata.set(`${key}-encoded`, "1");
    metadata.set(key, ...(plain ? values : values.map(queryEscape)));
  };
  put(directoryKey, [request.dirName]);
  for (const [field, key] of Object.entries(filterKeys)) put(key, request[field as keyof typeof filterKeys] ?? []);
  return metadata;
}

export function decodeDirectoryRequest(metadata: Metadata): DirectoryRequest {
  const take = (key: string): readonly string[] => {
    const values = metadata.getAll(key);
    return isTrue(metadata.get(`${key}-encoded`)) ? values.map(queryUnescape) : values;
  };
  return {
    dirName: take(directoryKey)[0] ?? "",
    include: take(filterKeys.include),
    exclude: take(filterKeys.exclude),
    followPaths: take(filterKeys.followPaths),
  };
}

/** What Go's ParseBool takes for true. */
function isTrue(text: string | undefined): boolean {
  return text !== undefined && ["1", "t", "T", "true", "TRUE", "True"].includes(text);
}

/** As Go's url.QueryEscape: a space becomes `+`. */
function queryEscape(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

/** As Go's url.QueryUnescape; what cannot be unescaped is left as it is. */
function queryUnescape(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
