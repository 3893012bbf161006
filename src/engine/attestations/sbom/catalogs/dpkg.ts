import type { Catalog, Distribution, FoundPackage } from "./catalog.ts";
import { distroQualifier } from "./distribution.ts";
import { packageUrl } from "./package-url.ts";
import { headerFields, wholeText } from "./whole-text.ts";

/** Those of whole distributions have less than a tenth. */
const maxBytes = 256 * 1024 * 1024;

/** Packages of Debian and its kin: `/var/lib/dpkg/status`, and one file for each below `status.d` where there is no dpkg. */
export const dpkgCatalog: Catalog = {
  name: "dpkg",
  wants: ({ path }) =>
    path === "var/lib/dpkg/status" || (/^var\/lib\/dpkg\/status\.d\/[^/]+$/.test(path) && !path.endsWith(".md5sums")),
  read: async (file, reader, distribution) => {
    const text = await wholeText(file, reader, maxBytes);
    return text.split(/\n{2,}/).flatMap((paragraph) => packageOf(paragraph, file.path, distribution) ?? []);
  },
};

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
