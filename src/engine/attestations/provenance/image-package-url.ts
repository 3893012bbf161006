import { familiarReference, formatPlatform, parseReference, type Platform } from "../../../oci/mod.ts";

/**
 * An image's name as a package URL, as BuildKit writes it: `pkg:docker/host%3A5000/name@tag?digest=…&platform=linux%2Famd64`.
 * @param type `docker`: in a registry; `oci`: in a layout of the client
 * @param qualifiers written after the digest and the platform
 * @see https://github.com/package-url/purl-spec
 */
export function imagePackageUrl(
  type: "docker" | "oci",
  name: string,
  platform?: Platform,
  qualifiers: Readonly<Record<string, string>> = {},
): string {
  const { registry, repository, tag, digest } = parseReference(name);
  const version = tag ?? (digest === undefined ? "latest" : "");
  const path = familiarReference({ registry, repository }).split("/").map(queryEscape).join("/");
  const told = {
    ...(digest && { digest }),
    ...(platform && { platform: formatPlatform(platform) }),
    ...qualifiers,
  };
  const query = Object.entries(told).map(([key, value]) => `${key}=${pathEscape(value)}`);
  return `pkg:${type}/${path}${version === "" ? "" : `@${version}`}${query.length === 0 ? "" : `?${query.join("&")}`}`;
}

/** As Go's url.QueryEscape. */
function queryEscape(text: string): string {
  return strictly(text).replaceAll("%20", "+");
}

/** As Go's url.PathEscape. */
function pathEscape(text: string): string {
  return strictly(text).replaceAll(/%(?:24|26|2B|3D|3A|40)/g, decodeURIComponent);
}

/** Leaves letters, digits and `-_.~` alone. */
function strictly(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
