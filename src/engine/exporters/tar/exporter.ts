import { type TarEntry, type TarMember, writeTar } from "../../../tar/mod.ts";
import type { TocEntry } from "../../snapshots/mod.ts";
import { booleanAttribute, epochAttribute, epochOf } from "../attributes.ts";
import { attestationPrefix } from "../attestation-files.ts";
import type { ExportContext, Exporter, ExporterAttributes, ExportSource } from "../exporter.ts";
import { sendArchive } from "../send.ts";
import { exportedEntries, PathClashes, platformDirectory, splitsByPlatform } from "../tree-entries.ts";
import { contentChunks } from "../../snapshots/mod.ts";

/** `type=tar`: the filesystem of the result as one archive, straight from the tables of contents; a directory per platform when there are several. */
export function tarExporter(attributes: ExporterAttributes): Exporter {
  const epoch = epochAttribute(attributes);
  const saidPrefix = attestationPrefix(attributes);
  const split =
    attributes["platform-split"] === undefined ? undefined : booleanAttribute(attributes, "platform-split", true);
  return {
    title: "exporting to client tarball",
    export: async (source, context) => {
      await sendArchive(
        writeTar(members(source, { saidPrefix, split: splitsByPlatform(source, split), epoch }, context)),
        {},
        context,
      );
      return {};
    },
  };
}

async function* members(
  source: ExportSource,
  { saidPrefix, split, epoch }: { saidPrefix: string; split: boolean; epoch: Date | undefined },
  context: ExportContext,
): AsyncGenerator<TarMember> {
  const clashes = source.refs.length > 1 && !split ? new PathClashes() : undefined;
  for (const platformRef of source.refs) {
    const own = epochOf(epoch, source, platformRef.id);
    const time = own ? { mtimeSec: Math.floor(own.getTime() / 1000), mtimeNsec: 0 } : {};
    const prefix = split ? `${platformDirectory(platformRef)}/` : "";
    if (split) {
      yield {
        entry: { name: prefix, type: "dir", mode: 0o755, uid: 0, gid: 0, size: 0, mtimeSec: 0, mtimeNsec: 0, ...time },
      };
    }
    for (const entry of await exportedEntries(platformRef, source, { saidPrefix, split, context })) {
      if (clashes && !clashes.claim(entry.path, entry.type, platformRef.id)) continue;
      const tarEntry = { ...tarEntryOf(entry, prefix), ...time };
      yield tarEntry.type === "file" ? { entry: tarEntry, body: contentChunks(entry) } : { entry: tarEntry };
    }
  }
}

function tarEntryOf(entry: TocEntry, prefix: string): TarEntry {
  const { mode, uid, gid, mtimeSec, mtimeNsec, xattrs, devMajor, devMinor } = entry;
  const common = { name: prefix + entry.path, mode, uid, gid, mtimeSec, mtimeNsec, ...(xattrs ? { xattrs } : {}) };
  if (entry.hardlink !== undefined) return { ...common, type: "hardlink", size: 0, linkname: prefix + entry.hardlink };
  if (entry.type === "symlink") return { ...common, type: "symlink", size: 0, linkname: entry.linkname ?? "" };
  if (entry.type === "char" || entry.type === "block") {
    return { ...common, type: entry.type, size: 0, devMajor: devMajor ?? 0, devMinor: devMinor ?? 0 };
  }
  const type = entry.type === "socket" ? "file" : entry.type;
  return { ...common, type, size: type === "file" ? entry.size : 0 };
}
