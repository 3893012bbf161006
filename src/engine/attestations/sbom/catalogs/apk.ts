import type { Catalog, Distribution, FoundPackage } from "./catalog.ts";
import { distroQualifier } from "./distribution.ts";
import { packageUrl } from "./package-url.ts";
import { wholeText } from "./whole-text.ts";

/** Far more than there is of any distribution. */
const maxBytes = 64 * 1024 * 1024;

/** Packages of Alpine and its kin. @see https://wiki.alpinelinux.org/wiki/Apk_spec */
export const apkCatalog: Catalog = {
  name: "apk",
  wants: ({ path }) => path === "lib/apk/db/installed" || path === "usr/lib/apk/db/installed",
  read: async (file, reader, { distribution }) => {
    const text = await wholeText(file, reader, maxBytes);
    return text.split(/\n{2,}/).flatMap((paragraph) => packageOf(paragraph, file.path, distribution) ?? []);
  },
};

function packageOf(
  paragraph: string,
  foundIn: string,
  distribution: Distribution | undefined,
): FoundPackage | undefined {
  const fields = new Map<string, string>();
  for (const line of paragraph.split("\n")) {
    if (line[1] !== ":") continue;
    const [key, value] = [line.slice(0, 1), line.slice(2).trim()];
    if (key === "F") break; // its files follow
    if (!fields.has(key)) fields.set(key, value);
  }
  const [name, version, origin] = [fields.get("P"), fields.get("V"), fields.get("o")];
  if (!name || !version) return undefined;
  const url = packageUrl("apk", [distribution?.id ?? "alpine", name], version, {
    arch: fields.get("A"),
    distro: distroQualifier(distribution),
    upstream: origin === name ? undefined : origin,
  });
  const [license, supplier, homepage] = [fields.get("L"), fields.get("m"), fields.get("U")];
  return { name, version, url, foundIn, license, supplier, homepage };
}
