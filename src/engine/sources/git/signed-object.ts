import { objectFormatOf } from "./object-name.ts";

/** An object of Git, taken apart into what is signed and the signature. */
export interface SignedObject {
  readonly data: Uint8Array;
  /** Empty: there is none. */
  readonly signature: string;
}

/** Each object format has a header of its own, so that one commit can be signed in both. */
const headers = { sha1: "gpgsig", sha256: "gpgsig-sha256" } as const;

/** Takes the signatures out of a commit's headers. @param name of the commit */
export function signedCommit(raw: Uint8Array, name: string): SignedObject {
  const text = Buffer.from(raw).toString("latin1");
  const end = text.indexOf("\n\n");
  const head = end < 0 ? text : text.slice(0, end + 1);
  const wanted = headers[objectFormatOf(name)];
  let signature = "";
  // A header goes on for as long as lines begin with a space.
  const kept = head.replace(/^(gpgsig(?:-sha256)?) (.*\n(?: .*\n)*)/gm, (_, header: string, value: string) => {
    if (header === wanted) signature = value.replace(/\n /g, "\n");
    return "";
  });
  return { data: Buffer.from(kept + text.slice(head.length), "latin1"), signature };
}

/** A tag's signature follows its message. */
export function signedTag(raw: Uint8Array): SignedObject {
  const text = Buffer.from(raw).toString("latin1");
  const body = text.indexOf("\n\n") + 2;
  const found = /^-----BEGIN (?:PGP|SSH) SIGNATURE-----$/m.exec(text.slice(body));
  if (!found) return { data: raw, signature: "" };
  const start = body + found.index;
  return { data: raw.subarray(0, start), signature: text.slice(start) };
}
