import { goJson } from "../../base/text/go-values/mod.ts";
import { compactJson, indentJson } from "./json-layout.ts";
import type { AttestationSubject } from "./attestation.ts";

/** A thing that a statement is about. */
export interface StatementSubject {
  readonly name: string;
  /** Hex by algorithm. */
  readonly digest: Readonly<Record<string, string>>;
}

/** What is said, of what. @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
export interface Statement {
  readonly predicateType: string;
  readonly subjects: readonly StatementSubject[];
  /** JSON. */
  readonly predicate: string;
}

/** A statement as JSON, as BuildKit writes it: in one line into images, indented into files. */
export function encodeStatement(statement: Statement, { indented = false }: { indented?: boolean } = {}): Uint8Array {
  const { predicateType, subjects, predicate } = statement;
  const head = goJson({
    _type: "https://in-toto.io/Statement/v1",
    predicateType,
    subject: subjects.map(({ name, digest }) => ({ name, digest: sorted(digest) })),
  });
  const text = `${head.slice(0, -1)},"predicate":${compactJson(predicate)}}`;
  return new TextEncoder().encode(indented ? indentJson(text) : text);
}

/**
 * What a statement is about.
 * @param wanted as its author has it; nothing: what it is attached to
 * @param self that to which it is attached, under each of its names
 */
export function subjectsOf(
  wanted: readonly AttestationSubject[],
  self: readonly StatementSubject[],
): readonly StatementSubject[] {
  const all: readonly AttestationSubject[] = wanted.length > 0 ? wanted : [{ kind: "self", name: "", digests: [] }];
  return all.flatMap(({ kind, name, digests }) => {
    const isNamed = name !== "" && name !== "_";
    if (kind === "raw") return [{ name: isNamed ? name : "_", digest: byAlgorithm(digests) }];
    return self.flatMap((subject) => [subject, ...(isNamed ? [{ ...subject, name }] : [])]);
  });
}

/** Digests as statements have them: hex by algorithm. @param digests `<algorithm>:<hex>` each */
export function byAlgorithm(digests: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    digests.map((digest) => {
      const colon = digest.indexOf(":");
      return [digest.slice(0, Math.max(colon, 0)), digest.slice(colon + 1)];
    }),
  );
}

function sorted(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
