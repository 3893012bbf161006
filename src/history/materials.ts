import type { CallControl } from "../client/mod.ts";
import { type Attachment, readAttachment } from "./attachments.ts";
import type { BuildRecord } from "./build-record.ts";

/** Something that went into a build. */
export interface Material {
  readonly URI: string;
  /** `<algorithm>:<hex>` each. */
  readonly Digests: readonly string[];
}

interface MaterialJson {
  readonly uri?: string;
  readonly digest?: Readonly<Record<string, string>>;
}

/** Of SLSA 1 and of SLSA 0.2, which call the same thing differently. */
interface ProvenanceJson {
  readonly buildDefinition?: { readonly resolvedDependencies?: readonly MaterialJson[] };
  readonly materials?: readonly MaterialJson[];
}

/** What went into a build, as the first statement on its provenance says; nothing where there is none. */
export async function listMaterials(
  record: BuildRecord,
  attachments: readonly Attachment[],
  options: CallControl,
): Promise<readonly Material[]> {
  const provenance = attachments.find(({ type }) => type.startsWith("https://slsa.dev/provenance/"));
  if (!provenance) return [];
  const bytes = await readAttachment(record, provenance.digest, options);
  const { buildDefinition, materials } = JSON.parse(Buffer.from(bytes).toString()) as ProvenanceJson;
  return (buildDefinition?.resolvedDependencies ?? materials ?? []).map(({ uri = "", digest = {} }) => ({
    URI: uri,
    Digests: Object.entries(digest).map(([algorithm, hex]) => `${algorithm}:${hex}`),
  }));
}
