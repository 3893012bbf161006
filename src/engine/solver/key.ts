import { type Digest, digestOf } from "../../oci/mod.ts";

/**
 * Names work that was, or could be, done by a vertex. Equal digests mean equal work, except where a key is `volatile` or `fresh`.
 */
export interface Key {
  readonly digest: Digest;
  /** Means nothing outside its job: neither looked up nor stored nor shared with other jobs. */
  readonly volatile: boolean;
  /** Somewhere in its past stands work that must be done again in this job: not looked up nor shared with other jobs, but stored. */
  readonly fresh: boolean;
}

/** What one input contributes to the key of a vertex: the key of the input (and the part of it that is looked at), or its content. */
export type KeyPart =
  | { readonly key: Key; readonly index: number; readonly selector: Digest | undefined }
  | { readonly content: Digest };

/** The key of a vertex whose op has the digest `op` and whose inputs are `parts`, in order. */
export function vertexKey(
  op: Digest,
  parts: readonly KeyPart[],
  own: { readonly volatile: boolean; readonly fresh: boolean },
): Key {
  let text = `vertex ${op}`;
  let { volatile, fresh } = own;
  for (const part of parts) {
    if ("content" in part) {
      text += `\ncontent ${part.content}`;
    } else {
      text += `\nkey ${outputKey(part.key, part.index)} ${part.selector ?? ""}`;
      volatile ||= part.key.volatile;
      fresh ||= part.key.fresh;
    }
  }
  return { digest: digestOf(text), volatile, fresh };
}

/** The key of one output of a vertex: what results are stored under. */
export function outputKey(key: Key, index: number): Digest {
  return digestOf(`${key.digest}@${index}`);
}

/** Whether results may be looked up under `key`, and work under way for it joined. */
export function isShareable(key: Key): boolean {
  return !key.volatile && !key.fresh;
}
