/**
 * Writes a package URL: `pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12`.
 * @param path namespace and name
 * @param qualifiers those that are empty or missing are left out
 * @see https://github.com/package-url/purl-spec
 */
export function packageUrl(
  type: string,
  path: readonly string[],
  version: string,
  qualifiers: Readonly<Record<string, string | undefined>> = {},
): string {
  const query = Object.entries(qualifiers)
    .flatMap(([key, value]) => (value ? [`${key}=${encode(value)}`] : []))
    .toSorted()
    .join("&");
  const name = path.filter((part) => part !== "").map(encode);
  return `pkg:${[type, ...name].join("/")}${version === "" ? "" : `@${encode(version)}`}${query === "" ? "" : `?${query}`}`;
}

/** Leaves letters, digits and `-._~:` alone. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%3A", ":");
}
