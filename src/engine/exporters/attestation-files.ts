import { BuildError } from "../../base/errors/mod.ts";
import { baseName } from "../../base/text/paths/mod.ts";
import { byAlgorithm, encodeStatement, readAttestations, statementOf, withoutInlineOnly } from "../attestations/mod.ts";
import type { TocEntry } from "../snapshots/mod.ts";
import type { ExportContext, ExporterAttributes, ExportSource, PlatformRef } from "./exporter.ts";

/** Reads `attestation-prefix`: what the names of files begin with that say something of a tree. @throws {BuildError} `invalid_argument` */
export function attestationPrefix({ "attestation-prefix": prefix = "" }: ExporterAttributes): string {
  if (!prefix.includes("/") && !prefix.includes("\0")) return prefix;
  throw new BuildError("invalid_argument", `invalid attestation-prefix ${JSON.stringify(prefix)}: want no slash in it`);
}

/**
 * What is said of one platform's tree, as files that lie in its root: about all of its regular files, unless their author says otherwise.
 * @param entries of that tree, in order
 * @throws {BuildError} `invalid_argument` for two of one name
 */
export async function attestationFiles(
  platformRef: PlatformRef,
  entries: readonly TocEntry[],
  source: ExportSource,
  { prefix, naming, context }: { prefix: string; naming: "plain" | "by-platform"; context: ExportContext },
): Promise<readonly TocEntry[]> {
  const { id, ref } = platformRef;
  const said = await readAttestations(withoutInlineOnly(source.attestations.get(id) ?? []), context);
  if (said.length === 0) return [];
  const regular = entries.filter(({ type }) => type === "file");
  const digests = await ref.digests(regular, context);
  const self = regular.map(({ path }, at) => ({ name: path, digest: byAlgorithm([digests[at] ?? ""]) }));
  const names = new Set<string>();
  return said.map((read) => {
    const name = nameOf(prefix + baseName(read.attestation.path), naming === "by-platform" ? id : undefined);
    if (names.has(name)) throw new BuildError("invalid_argument", `duplicate attestation path name ${name}`);
    names.add(name);
    const data = encodeStatement(statementOf(read, self), { indented: true });
    return fileOf(name, data);
  });
}

/** With the platform before the last ending: `sbom.spdx.linux_arm64.json`. */
function nameOf(name: string, platform: string | undefined): string {
  if (platform === undefined) return name;
  const dot = name.lastIndexOf(".");
  const end = dot < 0 ? name.length : dot;
  return `${name.slice(0, end)}.${platform.replaceAll("/", "_")}${name.slice(end)}`;
}

function fileOf(path: string, data: Uint8Array): TocEntry {
  const mtimeSec = Math.floor(Date.now() / 1000);
  const content = { kind: "bytes", data } as const;
  return { path, type: "file", mode: 0o600, uid: 0, gid: 0, size: data.byteLength, mtimeSec, mtimeNsec: 0, content };
}
