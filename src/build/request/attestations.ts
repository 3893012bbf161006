import { BuildError } from "../../base/errors/mod.ts";
import { formatCsvFields, parseCsvFields } from "../../base/text/csv/mod.ts";
import { parseGoBool } from "../../base/text/go-values/mod.ts";

/** What an image is to have said of it: how it was made, what is in it. */
export interface Attestations {
  /** What was asked for, by type, as frontends read it: `type=provenance,mode=max`. */
  readonly asked: Readonly<Record<string, string>>;
  /** Nothing was said of provenance: engines that can make it do, the little that is in the image alone. */
  readonly provenanceByDefault: boolean;
  /** They are written in the form of old, which registries take that know no artifacts. */
  readonly withoutArtifact: boolean;
}

/** The provenance that an image has when nothing was said of it. */
export const defaultProvenance = "mode=min,inline-only=true";

/** `--sbom=VALUE` and `--provenance=VALUE` as values of `--attest`; none where there is no value. */
export function attestOf(type: "provenance" | "sbom", value: string): readonly string[] {
  if (value === "") return [];
  const isWanted = parseGoBool(value);
  return [`type=${type},${isWanted === undefined ? value : `disabled=${!isWanted}`}`];
}

/**
 * Reads values of `--attest`: `type=TYPE[,disabled=BOOL][,NAME=VALUE…]`. Of several of one type the first counts.
 * @throws {BuildError} `invalid_argument` with docker buildx's words
 */
export function readAttestations(
  texts: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Attestations {
  const wanted = new Map<string, string | undefined>();
  for (const text of texts) {
    const { type, isDisabled, attrs } = parseAttest(text);
    if (wanted.has(type)) continue;
    const sorted = [...attrs].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const fields = [`type=${type}`, ...sorted.map(([key, value]) => `${key}=${value}`)];
    wanted.set(type, isDisabled ? undefined : formatCsvFields(fields));
  }
  const asked = [...wanted].flatMap(([type, value]) => (value === undefined ? [] : [[type, value] as const]));
  return {
    asked: Object.fromEntries(asked),
    provenanceByDefault: !wanted.has("provenance") && !isSet("BUILDX_NO_DEFAULT_ATTESTATIONS", env),
    withoutArtifact: isSet("BUILDX_NO_DEFAULT_OCI_ARTIFACT", env),
  };
}

/** Whether a variable is on. @throws {BuildError} when it is set to neither yes nor no */
function isSet(name: string, env: Readonly<Record<string, string | undefined>>): boolean {
  const value = env[name];
  if (value === undefined) return false;
  const known = parseGoBool(value);
  if (known === undefined) throw invalid(`invalid ${name}: ${JSON.stringify(value)} is neither true nor false`);
  return known;
}

function parseAttest(text: string) {
  let type = "";
  let isDisabled = false;
  const attrs = new Map<string, string>();
  for (const field of parseCsvFields(text)) {
    const at = field.indexOf("=");
    if (at < 0) throw invalid(`invalid value ${field}`);
    const [key, value] = [field.slice(0, at), field.slice(at + 1)];
    switch (key.trim().toLowerCase()) {
      case "type":
        type = value;
        break;
      case "disabled": {
        const known = parseGoBool(value);
        if (known === undefined) throw invalid(`invalid value ${field}`);
        isDisabled = known;
        break;
      }
      default:
        attrs.set(key, value);
    }
  }
  if (type === "") throw invalid("attestation type not specified");
  return { type, isDisabled, attrs };
}

const invalid = (message: string) => new BuildError("invalid_argument", message);
