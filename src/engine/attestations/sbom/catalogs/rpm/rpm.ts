import type { Catalog, Distribution, FoundPackage } from "../catalog.ts";
import { distroQualifier } from "../distribution.ts";
import { packageUrl } from "../package-url.ts";
import { decodeHeader, type RpmHeader } from "./header.ts";
import { tableRows } from "./sqlite-table.ts";

/** Where rpm keeps its database; in forms of old (Berkeley DB), in SUSE's own, and in SQLite's. */
const database = /^(?:var\/lib\/rpm|usr\/lib\/sysimage\/rpm|usr\/share\/rpm)\/(?:Packages|Packages\.db|rpmdb\.sqlite)$/;

/** Packages of rpm's, where its database is SQLite's. */
export const rpmCatalog: Catalog = {
  name: "rpm",
  wants: ({ path }) => database.test(path),
  read: async (file, reader, { distribution }) => {
    if (!file.path.endsWith(".sqlite")) throw new Error("only rpm databases that are SQLite's can be read");
    const found: FoundPackage[] = [];
    for await (const row of tableRows(reader, "Packages")) {
      const blob = row.find((value) => Buffer.isBuffer(value));
      const known = blob && packageOf(decodeHeader(blob), file.path, distribution);
      if (known) found.push(known);
    }
    return found;
  },
};

const tags = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  vendor: 1011,
  license: 1014,
  packager: 1015,
  url: 1020,
  arch: 1022,
  sourceRpm: 1044,
} as const;

function packageOf(
  header: RpmHeader,
  foundIn: string,
  distribution: Distribution | undefined,
): FoundPackage | undefined {
  const text = (tag: keyof typeof tags) => {
    const value = header.get(tags[tag]);
    return typeof value === "string" && value !== "" && value !== "(none)" ? value : undefined;
  };
  const [name, version, release, arch] = [text("name"), text("version"), text("release"), text("arch")];
  // Keys that packages are checked with are kept as packages without an architecture.
  if (!name || !version || (name === "gpg-pubkey" && !arch)) return undefined;
  const full = release ? `${version}-${release}` : version;
  const epoch = header.get(tags.epoch);
  const url = packageUrl("rpm", [distribution?.id ?? "", name], full, {
    arch,
    distro: distroQualifier(distribution),
    epoch: epoch === undefined ? undefined : String(epoch),
    upstream: text("sourceRpm"),
  });
  return {
    name,
    version: epoch === undefined ? full : `${epoch}:${full}`,
    url,
    foundIn,
    license: text("license"),
    supplier: text("vendor") ?? text("packager"),
    isSupplierOrganization: text("vendor") !== undefined,
    homepage: text("url"),
  };
}
