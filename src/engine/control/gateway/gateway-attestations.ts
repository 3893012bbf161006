import { randomUUID } from "node:crypto";
import { gateway } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import type { MessageInitShape } from "../../../base/protobuf/mod.ts";
import type { Attestation, AttestationFiles, Attestations } from "../../attestations/mod.ts";
import { LazyResult } from "../lazy-result.ts";

type AttestationsInit = Record<string, MessageInitShape<typeof gateway.AttestationsSchema>>;

/** How many things may be said of a build's results, subjects included: each is kept until the build ends. */
const maxSaid = 10_000;

/** What is said of results, on its way to whoever leads a build and back. */
export class GatewayAttestations {
  /** What has been told to the client and is no result: by the id that it got. */
  readonly #told = new Map<string, AttestationFiles>();

  /** @param name gives a result an id */
  encode(
    attestations: Attestations,
    name: (result: LazyResult) => MessageInitShape<typeof gateway.RefSchema>,
  ): AttestationsInit {
    const entries = [...attestations].map(([id, list]) => {
      const attestation = list.map(({ files, ...said }) => ({ ...encode(said), ref: this.#refOf(files, name) }));
      return [id, { attestation }] as const;
    });
    return Object.fromEntries(entries);
  }

  #refOf(
    files: AttestationFiles,
    name: (result: LazyResult) => MessageInitShape<typeof gateway.RefSchema>,
  ): MessageInitShape<typeof gateway.RefSchema> {
    if (files instanceof LazyResult) return name(files);
    const id = randomUUID();
    this.#told.set(id, files);
    return { id };
  }

  /**
   * What a client says of the results that it returns.
   * @param find the result of an id
   * @throws {BuildError} `invalid_argument`, `not_found`, `resource_exhausted`
   */
  decode(said: gateway.Result["attestations"], find: (id: string) => LazyResult): Attestations {
    let left = maxSaid;
    const decoded = Object.entries(said).map(([id, { attestation: list }]) => {
      left -= list.reduce((sum, { inTotoSubjects }) => sum + 1 + inTotoSubjects.length, 0);
      if (left < 0) throw new BuildError("resource_exhausted", `more than ${maxSaid} attestations of one build`);
      const files = ({ ref }: gateway.Attestation): AttestationFiles => {
        if (ref && ref.id !== "") return this.#told.get(ref.id) ?? find(ref.id);
        throw new BuildError("invalid_argument", "attestation does not have available content");
      };
      return [id, list.map((one) => ({ ...decode(one), files: files(one) }))] as const;
    });
    return new Map(decoded.filter(([, list]) => list.length > 0));
  }
}

function encode({
  kind,
  metadata,
  path,
  predicateType,
  subjects,
}: Omit<Attestation, "files">): MessageInitShape<typeof gateway.AttestationSchema> {
  return {
    kind: kind === "bundle" ? gateway.AttestationKind.Bundle : gateway.AttestationKind.InToto,
    metadata: metadata as Record<string, Uint8Array<ArrayBuffer>>,
    path,
    inTotoPredicateType: predicateType,
    inTotoSubjects: subjects.map(({ kind, name, digests }) => ({
      kind: kind === "raw" ? gateway.InTotoSubjectKind.Raw : gateway.InTotoSubjectKind.Self,
      name,
      digest: [...digests],
    })),
  };
}

function decode(said: gateway.Attestation): Omit<Attestation, "files"> {
  return {
    kind: kindOf(said.kind),
    metadata: said.metadata,
    path: said.path,
    predicateType: said.inTotoPredicateType,
    subjects: said.inTotoSubjects.map(({ kind, name, digest }) => ({
      kind: subjectKindOf(kind),
      name,
      digests: digest,
    })),
  };
}

function kindOf(kind: gateway.AttestationKind): Attestation["kind"] {
  if (kind === gateway.AttestationKind.InToto) return "in-toto";
  if (kind === gateway.AttestationKind.Bundle) return "bundle";
  throw new BuildError("invalid_argument", `unknown attestation kind ${String(kind)}`);
}

function subjectKindOf(kind: gateway.InTotoSubjectKind): Attestation["subjects"][number]["kind"] {
  if (kind === gateway.InTotoSubjectKind.Self) return "self";
  if (kind === gateway.InTotoSubjectKind.Raw) return "raw";
  throw new BuildError("invalid_argument", `unknown attestation subject type ${String(kind)}`);
}
