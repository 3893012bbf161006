import type { Catalog } from "./catalog.ts";
import { packageUrl } from "./package-url.ts";
import { headerFields, wholeText } from "./whole-text.ts";

const maxBytes = 16 * 1024 * 1024;

/** Packages of Python's that are installed: `*.dist-info`, and `*.egg-info` of old. @see https://packaging.python.org/en/latest/specifications/core-metadata/ */
export const pythonCatalog: Catalog = {
  name: "Python",
  wants: ({ path }) => /\.(?:dist-info\/METADATA|egg-info(?:\/PKG-INFO)?)$/.test(path),
  read: async (file, reader) => {
    const text = (await wholeText(file, reader, maxBytes)).replaceAll("\r\n", "\n");
    const end = text.indexOf("\n\n");
    const fields = headerFields((end < 0 ? text : text.slice(0, end)).split("\n"));
    const value = (name: string) => {
      const given = fields.get(name);
      return given === undefined || given === "" || given === "UNKNOWN" ? undefined : given;
    };
    const [name, version] = [value("name"), value("version")];
    if (!name || !version) return [];
    const [author, address] = [value("author") ?? value("maintainer"), value("author-email")];
    return [
      {
        name,
        version,
        url: packageUrl("pypi", [name.toLowerCase().replaceAll(/[-_.]+/g, "-")], version),
        foundIn: file.path,
        // Some put the whole text there.
        license: value("license-expression") ?? value("license")?.split("\n", 1)[0],
        supplier: author && address && !address.includes("<") ? `${author} <${address}>` : (author ?? address),
        homepage: value("home-page"),
      },
    ];
  },
};
