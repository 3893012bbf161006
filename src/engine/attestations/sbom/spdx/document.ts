import { createHash } from "node:crypto";
import type { Findings, FoundPackage } from "../catalogs/mod.ts";
import { licenseExpression, type UnlistedLicense } from "./licenses.ts";

/** Who has looked, at what, when. */
export interface DocumentOptions {
  /** Of the tree, as the document's name. */
  readonly name: string;
  /** `polyarch-1.2.3` */
  readonly tool: string;
  readonly created: Date;
}

/** Files that are named since they could not be read. */
const maxComments = 100;

/**
 * What was found in a tree as an SPDX 2.3 document: the tree itself is the first package, it contains all others. The same findings give the same
 * document, its namespace included.
 * @see https://spdx.github.io/spdx-spec/v2.3/
 */
export function spdxDocument(findings: Findings, options: DocumentOptions): object {
  const { distribution, packages, unread } = findings;
  const { name, tool, created } = options;
  const unlisted = new Map<string, UnlistedLicense>();
  const elements = packages.map((found) => packageElement(found, unlisted));
  const system = distribution && {
    ...bareElement(distribution.name, "SPDXRef-OperatingSystem"),
    ...(distribution.version !== "" && { versionInfo: distribution.version }),
    primaryPackagePurpose: "OPERATING-SYSTEM",
  };
  const root = { ...bareElement(name, "SPDXRef-DocumentRoot"), primaryPackagePurpose: "CONTAINER" };
  const contained = [...(system ? [system] : []), ...elements];
  const told = unread.slice(0, maxComments).map(({ path, why }) => `/${path} could not be read: ${why}`);
  if (unread.length > maxComments) told.push(`${unread.length - maxComments} more files could not be read`);
  const comment = told.join("\n");
  const contents = {
    packages: [root, ...contained],
    ...(unlisted.size > 0 && {
      hasExtractedLicensingInfos: [...unlisted.values()]
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .map(({ id, text }) => ({ licenseId: id, extractedText: text, name: text })),
    }),
    relationships: [
      relationship("SPDXRef-DOCUMENT", "DESCRIBES", root.SPDXID),
      ...contained.map(({ SPDXID }) => relationship(root.SPDXID, "CONTAINS", SPDXID)),
    ],
  };
  const creationInfo = {
    created: created.toISOString().replace(/\.\d+Z$/, "Z"),
    creators: [`Tool: ${tool}`],
    ...(comment !== "" && { comment }),
  };
  const id = digestOf(JSON.stringify([name, creationInfo, contents]));
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name,
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(name)}-${uuidOf(id)}`,
    creationInfo,
    ...contents,
  };
}

function packageElement(found: FoundPackage, unlisted: Map<string, UnlistedLicense>) {
  const { name, version, url, foundIn, homepage } = found;
  const declared = [found.license ?? []].flat().map(licenseExpression);
  for (const license of declared.flatMap((one) => one.unlisted)) unlisted.set(license.id, license);
  const type = url.slice("pkg:".length, url.indexOf("/"));
  const id = digestOf(`${url} ${foundIn}`).slice(0, 16);
  return {
    ...bareElement(name, `SPDXRef-Package-${type}-${name.replaceAll(/[^A-Za-z0-9.]+/g, "-")}-${id}`),
    ...(version !== "" && { versionInfo: version }),
    supplier: actor(found),
    ...(homepage !== undefined && URL.canParse(homepage) && { homepage }),
    sourceInfo: `acquired package info from /${foundIn}`,
    licenseDeclared: allOf(declared.map(({ expression }) => expression)),
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: url }],
  };
}

function bareElement(name: string, SPDXID: string) {
  return {
    name,
    SPDXID,
    supplier: "NOASSERTION",
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
  };
}

/** What holds when all of these do. */
function allOf(expressions: readonly string[]): string {
  const [first = "NOASSERTION", ...others] = new Set(expressions.filter((one) => one !== "NOASSERTION"));
  if (others.length === 0) return first;
  return [first, ...others].map((one) => (/ OR /.test(one) ? `(${one})` : one)).join(" AND ");
}

/** `Person: Jane Doe (jane@example.com)` */
function actor({ supplier, isSupplierOrganization }: FoundPackage): string {
  const words = supplier?.replaceAll(/\s+/g, " ").trim() ?? "";
  if (words === "") return "NOASSERTION";
  const [, name = "", address = ""] = /^(.*?)\s*<([^<>]*)>/.exec(words) ?? [];
  const who =
    name === "" && address === "" ? words : name === "" ? address : address === "" ? name : `${name} (${address})`;
  return `${isSupplierOrganization ? "Organization" : "Person"}: ${who}`;
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A UUID (version 8: whatever one likes) made of the first bytes of a digest. */
function uuidOf(hex: string): string {
  const variant = (8 + (Number.parseInt(hex.slice(16, 17), 16) % 4)).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
