import { type Descriptor, formatPlatformFull, formatReference, withDigest } from "../../oci/mod.ts";
import { renderColumns, type Row } from "../columns.ts";
import type { RemoteImage } from "./image.ts";

/** What `imagetools inspect` shows by default: the name, and for an index its children. Letter for letter docker buildx's layout. */
export function renderText(image: RemoteImage): string {
  const { reference, descriptor, document } = image;
  const head: Row[] = [
    ["Name:", formatReference(reference)],
    ["MediaType:", descriptor.mediaType],
    ["Digest:", descriptor.digest],
  ];
  if (document.type === "manifest") return renderColumns(head);
  const children = document.index.manifests.flatMap((child, at) => [
    ...(at > 0 ? [["", ""]] : []),
    ["  Name:", formatReference(withDigest(reference, child.digest))],
    ["  MediaType:", child.mediaType],
    ...childRows(child),
  ]);
  return renderColumns([...head, ["", ""], ["Manifests:", ""]]) + renderColumns(children);
}

function childRows({ platform, urls = [], annotations = {} }: Descriptor): Row[] {
  if (!platform) return [];
  const { osVersion, osFeatures = [] } = platform;
  const { os, architecture, variant } = platform;
  const name = formatPlatformFull({ os, architecture, ...(variant === undefined ? {} : { variant }) });
  return [
    ["  Platform:", name],
    ...(osVersion ? [["  OSVersion:", osVersion]] : []),
    ...(osFeatures.length > 0 ? [["  OSFeatures:", osFeatures.join(", ")]] : []),
    ...(urls.length > 0 ? [["  URLs:", urls.join(", ")]] : []),
    ...annotationRows(annotations),
  ];
}

function annotationRows(annotations: Readonly<Record<string, string>>): Row[] {
  const rows = Object.entries(annotations).map(([key, value]) => [`    ${key}:`, value]);
  if (rows.length === 0) return [];
  const lines = renderColumns(rows).trimEnd().split("\n");
  return [["  Annotations:", ""], ...lines.map((line) => [line])];
}
