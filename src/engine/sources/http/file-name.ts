import { baseName } from "../../../base/text/paths/mod.ts";
import { safeFileName } from "../single-file/file-name.ts";

/** What a fetched file is called: as the server says, as the address ends, or `download`. Never a path. */
export function fileNameOf(address: URL, disposition = ""): string {
  const given = dispositionName(disposition);
  if (given !== "" && !given.endsWith("/")) return safeFileName(given);
  const last = baseName(decoded(address.pathname));
  return safeFileName(last === "/" ? "" : last);
}

/** The file name of a `Content-Disposition`, in its extended form where it has that one; empty: there is none. */
function dispositionName(header: string): string {
  const [, extended] = /;\s*filename\*\s*=\s*(?:utf-8|us-ascii)'[^']*'([^\s;]+)/i.exec(header) ?? [];
  if (extended !== undefined) return decoded(extended);
  const [, quoted, plain = ""] = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/i.exec(header) ?? [];
  return quoted?.replace(/\\(.)/g, "$1") ?? plain;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
