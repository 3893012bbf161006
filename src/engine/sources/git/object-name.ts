/** How a repository names its objects. */
export type ObjectFormat = "sha1" | "sha256";

/** @param object its whole name */
export function objectFormatOf(object: string): ObjectFormat {
  return object.length === 64 ? "sha256" : "sha1";
}

/** Whether it is the whole name of an object. */
export function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}
