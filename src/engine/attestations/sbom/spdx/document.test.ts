import assert from "node:assert/strict";
import { test } from "node:test";
import type { Findings } from "../catalogs/mod.ts";
import { spdxDocument } from "./document.ts";

const findings: Findings = {
  distribution: { id: "debian", version: "12", name: "Debian GNU/Linux 12" },
  packages: [
    {
      name: "libstdc++6",
      version: "12.2.0",
      url: "pkg:deb/debian/libstdc%2B%2B6@12.2.0",
      foundIn: "var/lib/dpkg/status",
      supplier: "Debian GCC Maintainers <debian-gcc@lists.debian.org>",
      homepage: "http://gcc.gnu.org/",
    },
    {
      name: "a",
      version: "",
      url: "pkg:golang/a",
      foundIn: "bin/a",
      license: ["MIT OR ISC", "custom", "", "mit or isc"],
      homepage: "no address",
    },
  ],
  unread: [{ path: "var/lib/rpm/Packages", why: "broken" }],
};
const options = { name: "sbom", tool: "polyarch-1", created: new Date("2024-05-06T07:08:09.123Z") };
const document = (given: Findings = findings) => JSON.parse(JSON.stringify(spdxDocument(given, options))) as SpdxJson;

interface SpdxJson {
  readonly documentNamespace: string;
  readonly creationInfo: object;
  readonly packages: readonly Readonly<Record<string, unknown> & { readonly SPDXID: string }>[];
  readonly relationships: readonly object[];
  readonly hasExtractedLicensingInfos: unknown;
}

test("spdxDocument() describes the tree, which contains what was found", () => {
  const { packages, relationships, creationInfo, hasExtractedLicensingInfos } = document();
  const [root, system, library, module] = packages;
  assert.equal(root?.["name"], "sbom");
  assert.deepEqual([system?.["name"], system?.["versionInfo"]], ["Debian GNU/Linux 12", "12"]);
  assert.deepEqual(
    packages.map(({ SPDXID }) => SPDXID.replace(/-[0-9a-f]{16}$/, "-*")),
    [
      "SPDXRef-DocumentRoot",
      "SPDXRef-OperatingSystem",
      "SPDXRef-Package-deb-libstdc-6-*",
      "SPDXRef-Package-golang-a-*",
    ],
  );
  assert.deepEqual(relationships[0], {
    spdxElementId: "SPDXRef-DOCUMENT",
    relationshipType: "DESCRIBES",
    relatedSpdxElement: "SPDXRef-DocumentRoot",
  });
  assert.equal(relationships.length, 4);
  assert.equal(library?.["supplier"], "Person: Debian GCC Maintainers (debian-gcc@lists.debian.org)");
  assert.deepEqual(library["externalRefs"], [
    {
      referenceCategory: "PACKAGE-MANAGER",
      referenceType: "purl",
      referenceLocator: "pkg:deb/debian/libstdc%2B%2B6@12.2.0",
    },
  ]);
  assert.deepEqual(
    [module?.["versionInfo"], module?.["homepage"], module?.["licenseDeclared"]],
    [undefined, undefined, "(MIT OR ISC) AND LicenseRef-custom"],
  );
  assert.deepEqual(hasExtractedLicensingInfos, [
    { licenseId: "LicenseRef-custom", extractedText: "custom", name: "custom" },
  ]);
  assert.deepEqual(creationInfo, {
    created: "2024-05-06T07:08:09Z",
    creators: ["Tool: polyarch-1"],
    comment: "/var/lib/rpm/Packages could not be read: broken",
  });
});

test("spdxDocument() gives each list a namespace of its own, and the same list the same", () => {
  const uuid =
    /^https:\/\/spdx\.org\/spdxdocs\/sbom-[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.match(document().documentNamespace, uuid);
  assert.deepEqual(document(), document());
  assert.notEqual(document({ ...findings, packages: [] }).documentNamespace, document().documentNamespace);
});
