import type { Catalog, Distribution, FoundPackage, ScannedTree } from "./catalog.ts";
import { copyrightLicenses } from "./debian-copyright.ts";
import { distroQualifier } from "./distribution.ts";
import { packageUrl } from "./package-url.ts";
import { headerFields, wholeText } from "./whole-text.ts";

/** Far more than there is of any distribution. */
const maxBytes = 64 * 1024 * 1024;

const maxCopyrightBytes = 1024 * 1024;

/** Packages of Debian and its kin: `/var/lib/dpkg/status`, and one file for each below `status.d` where there is no dpkg. */
export const dpkgCatalog: Catalog = {
  name: "dpkg",
  wants: ({ path }) =>
    path === "var/lib/dpkg/status" || (/^var\/lib\/dpkg\/status\.d\/[^/]+$/.test(path) && !path.endsWith(".md5sums")),
  read: async (file, reader, { tree, distribution }) => {
    const text = await wholeText(file, reader, maxBytes);
    const found: FoundPackage[] = [];
    for (const paragraph of text.split(/\n{2,}/)) {
      const known = packageOf(paragraph, file.path, distribution);
      if (known) found.push({ ...known, license: await licensesOf(known.name, tree) });
    }
    return found;
  },
};

/** What a package's copyright file says, if that is there, and not too long to be one. */
async function licensesOf(name: string, tree: ScannedTree): Promise<readonly string[] | undefined> {
  const file = /^[a-z0-9][a-z0-9.+-]*$/.test(name) ? tree.find(`usr/share/doc/${name}/copyright`) : undefined;
  if (!file || file.sizeBytes > maxCopyrightBytes) return undefined;
  await using reader = await tree.open(file);
  return copyrightLicenses(await wholeText(file, reader, maxCopyrightBytes));
}

function packageOf(
  paragraph: string,
  foundIn: string,
  distribution: Distribution | undefined,
): FoundPackage | undefined {
  const fields = headerFields(paragraph.split("\n"));
  const [name, version, status] = [fields.get("package"), fields.get("version"), fields.get("status")];
  if (!name || !version) return undefined;
  // What was removed is remembered, too.
  if (status !== undefined && /\b(?:not-installed|config-files)$/.test(status)) return undefined;
  const [, source = name, sourceVersion = version] = /^(\S+)(?: \(([^)]+)\))?$/.exec(fields.get("source") ?? "") ?? [];
  const isOwnSource = source === name && sourceVersion === version;
  const url = packageUrl("deb", [distribution?.id ?? "debian", name], version, {
    arch: fields.get("architecture"),
    distro: distroQualifier(distribution),
    upstream: isOwnSource ? undefined : sourceVersion === version ? source : `${source}@${sourceVersion}`,
  });
  const [supplier, homepage] = [fields.get("maintainer"), fields.get("homepage")];
  return { name, version, url, foundIn, supplier, homepage };
}
