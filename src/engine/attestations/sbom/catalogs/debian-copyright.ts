import { headerFields } from "./whole-text.ts";

/** What Debian calls licenses that have other names elsewhere. */
const otherNames: Readonly<Record<string, string>> = {
  artistic: "Artistic-1.0-Perl",
  expat: "MIT",
  cc0: "CC0-1.0",
  "bsd-2-clauses": "BSD-2-Clause",
  "bsd-3-clauses": "BSD-3-Clause",
};

/**
 * The licenses of a package that a copyright file names for machines, in SPDX's words where they are known, each once; `undefined` for a file that
 * is written for people alone.
 * @see https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
 */
export function copyrightLicenses(text: string): readonly string[] | undefined {
  const paragraphs = text.replaceAll("\r", "").split(/\n(?:[ \t]*\n)+/);
  if (!/^Format(?:-Specification)?:.*(?:copyright-format|dep5)/im.test(paragraphs[0] ?? "")) return undefined;
  const licenses = new Set<string>();
  for (const paragraph of paragraphs) {
    const fields = headerFields(paragraph.split("\n"));
    // The text of a license may stand apart from the files that it is for.
    const [name] = (fields.has("files") ? (fields.get("license") ?? "") : "").split("\n", 1);
    if (name) licenses.add(inOtherWords(name));
  }
  return licenses.size === 0 ? undefined : [...licenses].toSorted();
}

/** `GPL-2+ or Artistic, and Expat`: what a comma parts is joined last. */
function inOtherWords(text: string): string {
  const parts = text.split(/,\s+(and|or)\s+/i);
  if (parts.length > 1) return parts.map((part, at) => (at % 2 === 0 ? `(${words(part)})` : part)).join(" ");
  return words(text);
}

function words(text: string): string {
  return text
    .split(/\s+/)
    .map((name) => {
      const [, family, version = "", later] = /^(A?GPL|LGPL|GFDL)-(\d(?:\.\d)?)(\+?)$/i.exec(name) ?? [];
      if (family === undefined) return otherNames[name.toLowerCase()] ?? name;
      const full = version.includes(".") ? version : `${version}.0`;
      return `${family.toUpperCase()}-${full}-${later ? "or-later" : "only"}`;
    })
    .join(" ");
}
