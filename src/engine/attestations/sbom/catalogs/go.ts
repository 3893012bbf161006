import type { Catalog, FileReader, FoundPackage } from "./catalog.ts";
import { packageUrl } from "./package-url.ts";

/** No program that Go has linked is smaller. */
const minProgramBytes = 512 * 1024;
/** Of headers and of what Go tells. */
const maxPartBytes = 16 * 1024 * 1024;

/** Modules that programs of Go's (from version 1.18 on) are made of, as they say themselves. */
export const goCatalog: Catalog = {
  name: "Go",
  wants: ({ sizeBytes, isExecutable }) => isExecutable && sizeBytes >= minProgramBytes,
  read: async (file, reader) => {
    const section = await findSection(reader, ".go.buildinfo");
    const told = section && buildInfo(await reader.read(section.offset, Math.min(section.size, maxPartBytes)));
    if (!told) return [];
    const standard = goPackage("stdlib", told.version.replace(/^go/, "").split(" ", 1)[0] ?? "", file.path);
    return [standard, ...modulesOf(told.modules).map(([name, version]) => goPackage(name, version, file.path))];
  },
};

function goPackage(name: string, version: string, foundIn: string): FoundPackage {
  return { name, version, foundIn, url: packageUrl("golang", name.split("/"), version) };
}

/** Names and versions of the modules; what stands in the place of another is told instead of it. */
function modulesOf(text: string): readonly (readonly [string, string])[] {
  const modules: [string, string][] = [];
  for (const line of text.split("\n")) {
    const [kind, name, version = ""] = line.split("\t");
    if (!name) continue;
    if (kind === "mod" || kind === "dep") modules.push([name, version === "(devel)" ? "" : version]);
    else if (kind === "=>" && modules.length > 0) modules[modules.length - 1] = [name, version];
  }
  return modules;
}

/** The version of Go and the list of modules, out of what the linker leaves. @see https://pkg.go.dev/debug/buildinfo */
function buildInfo(bytes: Uint8Array): { readonly version: string; readonly modules: string } | undefined {
  const data = Buffer.from(bytes);
  const isInline = data.length > 32 && data.toString("latin1", 0, 14) === "\xff Go buildinf:" && (data[15] ?? 0) & 2;
  if (!isInline) return undefined;
  const version = sizedText(data, 32);
  const modules = version && sizedText(data, version.end);
  if (!modules) return undefined;
  // Sixteen bytes on both sides mark where it is.
  return { version: version.text.toString(), modules: modules.text.subarray(16, -16).toString() };
}

/** Bytes behind their length, as a varint. */
function sizedText(data: Buffer, start: number): { readonly text: Buffer; readonly end: number } | undefined {
  let length = 0;
  let at = start;
  for (let shift = 0; ; shift += 7) {
    const byte = data[at++];
    if (byte === undefined || shift > 28) return undefined;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  return at + length > data.length ? undefined : { text: data.subarray(at, at + length), end: at + length };
}

/** Where a section of an ELF program lies; `undefined` where there is none, and for what is no such program. */
async function findSection(
  reader: FileReader,
  name: string,
): Promise<{ readonly offset: number; readonly size: number } | undefined> {
  const header = Buffer.from(await reader.read(0, 64));
  if (header.length < 64 || header.toString("latin1", 0, 4) !== "\x7fELF") return undefined;
  const [is64, isLittle] = [header[4] === 2, header[5] === 1];
  const half = (data: Buffer, at: number) => (isLittle ? data.readUInt16LE(at) : data.readUInt16BE(at));
  const word = (data: Buffer, at: number) => (isLittle ? data.readUInt32LE(at) : data.readUInt32BE(at));
  const long = (data: Buffer, at: number) =>
    is64 ? Number(isLittle ? data.readBigUInt64LE(at) : data.readBigUInt64BE(at)) : word(data, at);
  const tableOffset = long(header, is64 ? 40 : 32);
  const [entrySize, count, namesIndex] = is64
    ? [half(header, 58), half(header, 60), half(header, 62)]
    : [half(header, 46), half(header, 48), half(header, 50)];
  if (entrySize < (is64 ? 64 : 40) || entrySize * count > maxPartBytes) return undefined;
  const table = Buffer.from(await reader.read(tableOffset, entrySize * count));
  if (table.length < entrySize * count || namesIndex >= count) return undefined;
  const place = (index: number) => ({
    offset: long(table, index * entrySize + (is64 ? 24 : 16)),
    size: long(table, index * entrySize + (is64 ? 32 : 20)),
  });
  const { offset, size } = place(namesIndex);
  const names = Buffer.from(await reader.read(offset, Math.min(size, maxPartBytes)));
  for (let index = 0; index < count; index++) {
    const start = word(table, index * entrySize);
    const end = names.indexOf(0, start);
    if (end >= 0 && names.toString("latin1", start, end) === name) return place(index);
  }
  return undefined;
}
