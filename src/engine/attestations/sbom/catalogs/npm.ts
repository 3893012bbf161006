import type { Catalog, FoundPackage } from "./catalog.ts";
import { packageUrl } from "./package-url.ts";
import { wholeText } from "./whole-text.ts";

const maxManifestBytes = 4 * 1024 * 1024;
const maxLockBytes = 32 * 1024 * 1024;
const lockName = /(?:^|\/)(?:package-lock|npm-shrinkwrap)\.json$/;

/** Packages of npm's that are installed: what lies below `node_modules`. */
export const npmCatalog: Catalog = {
  name: "npm",
  wants: ({ path }) => /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/.test(path),
  read: async (file, reader) => {
    const json = objectOf(JSON.parse(await wholeText(file, reader, maxManifestBytes)));
    const [name, version] = [textOf(json["name"]), textOf(json["version"])];
    if (!name || !version) return [];
    const author = json["author"];
    return [
      {
        ...npmPackage(name, version, file.path),
        license: licenseOf(json),
        supplier: textOf(author) ?? personOf(objectOf(author)),
        homepage: textOf(json["homepage"]),
      },
    ];
  },
};

/** Packages of npm's that are to be installed: lock files that have no `node_modules` beside them. */
export const npmLockCatalog: Catalog = {
  name: "npm lock",
  wants: ({ path }, tree) => {
    if (!lockName.test(path) || /(?:^|\/)node_modules\//.test(path)) return false;
    return !tree.has(`${path.slice(0, path.lastIndexOf("/") + 1)}node_modules`);
  },
  read: async (file, reader) => {
    const json = objectOf(JSON.parse(await wholeText(file, reader, maxLockBytes)));
    const packages = json["packages"];
    if (packages === undefined) return oldDependencies(objectOf(json["dependencies"]), file.path);
    return Object.entries(objectOf(packages)).flatMap(([place, value]) => {
      const entry = objectOf(value);
      const at = place.lastIndexOf("node_modules/");
      const [name, version] = [
        textOf(entry["name"]) ?? place.slice(at + "node_modules/".length),
        textOf(entry["version"]),
      ];
      // The project itself, and its workspaces, are no packages of others; links lead to those.
      if (at < 0 || !version || entry["link"] === true) return [];
      return [{ ...npmPackage(name, version, file.path), license: licenseOf(entry) }];
    });
  },
};

/** Lock files as npm wrote them before its seventh version: what a package has for itself lies inside of it. */
function oldDependencies(dependencies: Readonly<Record<string, unknown>>, foundIn: string): FoundPackage[] {
  const found: FoundPackage[] = [];
  const open = [dependencies];
  for (let level = open.pop(); level; level = open.pop()) {
    for (const [name, value] of Object.entries(level)) {
      const entry = objectOf(value);
      const version = textOf(entry["version"]);
      if (version) found.push(npmPackage(name, version, foundIn));
      if (entry["dependencies"] !== undefined) open.push(objectOf(entry["dependencies"]));
    }
  }
  return found;
}

function npmPackage(name: string, version: string, foundIn: string): FoundPackage {
  return { name, version, foundIn, url: packageUrl("npm", name.split("/"), version) };
}

function licenseOf(json: Readonly<Record<string, unknown>>): string | undefined {
  const { license, licenses } = json;
  const one = (value: unknown) => textOf(value) ?? textOf(objectOf(value)["type"]);
  if (license !== undefined) return one(license);
  const all = Array.isArray(licenses) ? licenses.flatMap((value: unknown) => one(value) ?? []) : [];
  return all.length === 0 ? undefined : all.join(" OR ");
}

function personOf({ name, email }: Readonly<Record<string, unknown>>): string | undefined {
  const [who, address] = [textOf(name), textOf(email)];
  return who && address ? `${who} <${address}>` : (who ?? address);
}

const textOf = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
