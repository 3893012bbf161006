import { BuildError } from "../../../base/errors/mod.ts";
import type { FileStat, TreeSource } from "../../../filesync/mod.ts";
import { sendDirectory } from "../../../session/mod.ts";
import { comparePaths, type TocEntry } from "../../snapshots/mod.ts";
import { booleanAttribute, epochAttribute, epochOf } from "../attributes.ts";
import { attestationPrefix } from "../attestation-files.ts";
import type { ExportContext, Exporter, ExporterAttributes, ExportSource } from "../exporter.ts";
import { exportedEntries, PathClashes, platformDirectory, splitsByPlatform } from "../tree-entries.ts";
import { contentChunks } from "../../snapshots/mod.ts";

/** `type=local`: the filesystem of the result into a directory of the client; a directory per platform when there are several. */
export function localExporter(attributes: ExporterAttributes): Exporter {
  const epoch = epochAttribute(attributes);
  const saidPrefix = attestationPrefix(attributes);
  const split =
    attributes["platform-split"] === undefined ? undefined : booleanAttribute(attributes, "platform-split", true);
  const mode = attributes["mode"] ?? "copy";
  if (mode !== "copy" && mode !== "delete")
    throw new BuildError("invalid_argument", `invalid local exporter mode "${mode}"`);
  return {
    title: "exporting to client directory",
    export: async (source, context) => {
      const entries = await allEntries(source, { saidPrefix, split: splitsByPlatform(source, split), epoch }, context);
      const started = new Date();
      const id = "copying files";
      let current = 0;
      const tree: TreeSource = {
        entries: [...entries.keys()],
        read: (entry) => contentChunks(entries.get(entry) ?? missing(entry)),
      };
      await sendDirectory(await context.session(), tree, {
        exporterIndex: context.index,
        signal: context.signal,
        allPlatforms: mode === "delete",
        onProgress: (sent) => {
          current = sent;
          context.progress.status({ id, current, started });
        },
      });
      context.progress.status({ id, current, started, completed: new Date() });
      return {};
    },
  };
}

/** What is sent, in the order in which trees are sent, and where the bytes of each come from. */
async function allEntries(
  source: ExportSource,
  { saidPrefix, split, epoch }: { saidPrefix: string; split: boolean; epoch: Date | undefined },
  context: ExportContext,
): Promise<ReadonlyMap<FileStat, TocEntry>> {
  const all: [FileStat, TocEntry][] = [];
  const clashes = source.refs.length > 1 && !split ? new PathClashes() : undefined;
  for (const platformRef of source.refs) {
    const own = epochOf(epoch, source, platformRef.id);
    const time = own ? { mtimeSec: Math.floor(own.getTime() / 1000), mtimeNsec: 0 } : {};
    const top = platformDirectory(platformRef);
    if (split) {
      const directory: TocEntry = {
        path: top,
        type: "dir",
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: 0,
        mtimeSec: 0,
        mtimeNsec: 0,
        ...time,
      };
      all.push([directory, directory]);
    }
    for (const entry of await exportedEntries(platformRef, source, { saidPrefix, split, context })) {
      if (clashes && !clashes.claim(entry.path, entry.type, platformRef.id)) continue;
      all.push([{ ...statOf(entry, split ? top : undefined), ...time }, entry]);
    }
  }
  return new Map(all.sort(([a], [b]) => comparePaths(a.path, b.path)));
}

/** An entry as it is sent; below a directory of its own its absolute links lead into that directory. */
function statOf(entry: TocEntry, top: string | undefined): FileStat {
  const { content: _content, digest: _digest, ...stat } = entry;
  if (top === undefined) return stat;
  return {
    ...stat,
    path: `${top}/${entry.path}`,
    ...(entry.hardlink === undefined ? {} : { hardlink: `${top}/${entry.hardlink}` }),
    ...(entry.linkname?.startsWith("/") ? { linkname: `/${top}${entry.linkname}` } : {}),
  };
}

function missing(entry: FileStat): never {
  throw new Error(`Internal error: nobody announced ${entry.path}`);
}
