import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { goJson } from "../../base/text/go-values/mod.ts";
import type { AttestationSubject } from "./attestation.ts";

/** What one file of a bundle says. */
export interface BundledStatement {
  readonly predicateType: string;
  readonly subjects: readonly AttestationSubject[];
  /** JSON, keys sorted. */
  readonly predicate: string;
}

/** More than any document nests. */
const maxDepth = 1000;

/** Reads a whole statement. @throws {BuildError} `invalid_argument` for what is none */
export function decodeStatement(text: string, name: string): BundledStatement {
  const refuse = (why: string, cause?: unknown): BuildError =>
    new BuildError("invalid_argument", `cannot decode in-toto statement: ${name}: ${why}`, { cause });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const isMore = messageOf(cause).startsWith("Unexpected non-whitespace character after JSON");
    throw refuse(isMore ? "in-toto statement is not a single JSON object" : messageOf(cause), cause);
  }
  if (!isRecord(value)) throw refuse("want an object");
  const { predicateType = "", subject, predicate = null } = value;
  if (typeof predicateType !== "string") throw refuse("predicateType is no text");
  const subjects = subject ?? [];
  if (!Array.isArray(subjects)) throw refuse("subject is no list");
  return {
    predicateType,
    subjects: subjects.map((one: unknown) => {
      const { name = "", digest } = isRecord(one) ? one : {};
      const digests = digest ?? {};
      if (!isRecord(one) || typeof name !== "string" || !isRecord(digests)) throw refuse("a subject is malformed");
      return {
        kind: "raw",
        name,
        digests: Object.entries(digests).map(([algorithm, hex]) => {
          if (typeof hex !== "string") throw refuse("a subject's digest is no text");
          return `${algorithm}:${hex}`;
        }),
      };
    }),
    predicate: sortedJson(predicate, maxDepth, () => refuse("exceeded max depth")),
  };
}

/** JSON with the keys of each object in order. */
function sortedJson(value: unknown, depth: number, tooDeep: () => BuildError): string {
  if (depth < 0) throw tooDeep();
  if (Array.isArray(value)) return `[${value.map((one) => sortedJson(one, depth - 1, tooDeep)).join(",")}]`;
  if (!isRecord(value)) return goJson(value);
  const fields = Object.keys(value)
    .sort()
    .map((key) => `${goJson(key)}:${sortedJson(value[key], depth - 1, tooDeep)}`);
  return `{${fields.join(",")}}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
