import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { parseCsvFields } from "../../base/text/csv/mod.ts";

/** Attributes of something that a build is asked to say of its result. */
export type AttestationAttributes = Readonly<Record<string, string>>;

/** What a build is asked to say of its result; `undefined`: nothing of that kind. */
export interface AskedAttestations {
  readonly sbom?: AttestationAttributes;
  readonly provenance?: AttestationAttributes;
}

/** Names of attributes that ask for an attestation: the second is how old clients and build scripts do. */
const prefixes = ["attest:", "build-arg:BUILDKIT_ATTEST_"];

/** Whether an attribute of a frontend asks for an attestation. */
export function asksForAttestation(key: string): boolean {
  return prefixes.some((prefix) => key.startsWith(prefix));
}

/**
 * Reads what the attributes of a request, or of a frontend, ask to be said of the result: `attest:provenance` with the value
 * `mode=max,version=v0.2`. Attributes that nobody knows are kept, and mean nothing.
 * @throws {BuildError} for kinds that nobody knows, with BuildKit's words
 */
export function askedAttestations(attributes: Readonly<Record<string, string>>): AskedAttestations {
  const asked: { sbom?: AttestationAttributes; provenance?: AttestationAttributes } = {};
  for (const [key, value] of Object.entries(attributes)) {
    const prefix = prefixes.find((candidate) => key.startsWith(candidate));
    if (prefix === undefined) continue;
    const kind = key.slice(prefix.length).toLowerCase();
    if (kind !== "sbom" && kind !== "provenance") {
      throw new BuildError("invalid_argument", `unknown attestation type ${JSON.stringify(kind)}`);
    }
    asked[kind] = parseAttributes(kind, value);
  }
  return asked;
}

function parseAttributes(kind: string, text: string): AttestationAttributes {
  try {
    const fields = text === "" ? [] : parseCsvFields(text);
    return Object.fromEntries(
      fields.map((field) => {
        const at = field.indexOf("=");
        return at < 0 ? [field, ""] : [field.slice(0, at), field.slice(at + 1)];
      }),
    );
  } catch (cause) {
    throw new BuildError("invalid_argument", `failed to parse ${kind}: ${messageOf(cause)}`, { cause });
  }
}
