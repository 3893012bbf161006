import { findPackages, type Findings, type ScannedTree } from "./catalogs/mod.ts";
import { spdxPredicate } from "./sbom-attestation.ts";
import { coreName, type ScanTargets } from "./scanner-run.ts";
import { spdxDocument, type DocumentOptions } from "./spdx/mod.ts";

/** A statement, as scanners leave them. */
export interface ScanStatement {
  /** `sbom.spdx.json`, `sbom-<name>.spdx.json` */
  readonly filename: string;
  readonly bytes: Uint8Array;
  readonly findings: Findings;
}

/** Does what scanners do that are images, without running anything: reads the databases of packages that lie in the trees. */
export async function scanTrees(
  { core, extras }: ScanTargets<ScannedTree>,
  { signal, ...options }: Omit<DocumentOptions, "name"> & { readonly signal: AbortSignal },
): Promise<readonly ScanStatement[]> {
  const others = [...extras].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const named = [[coreName, core] as const, ...others.map(([name, tree]) => [`${coreName}-${name}`, tree] as const)];
  const statements: ScanStatement[] = [];
  for (const [name, tree] of named) {
    const findings = await findPackages(tree, { signal });
    const statement = {
      _type: "https://in-toto.io/Statement/v1",
      predicateType: spdxPredicate,
      subject: [],
      predicate: spdxDocument(findings, { name, ...options }),
    };
    const bytes = new TextEncoder().encode(JSON.stringify(statement));
    statements.push({ filename: `${name}.spdx.json`, bytes, findings });
  }
  return statements;
}
