import { messageOf } from "../../base/errors/mod.ts";
import { annotateEntry, fetchEntry, pushManifestList } from "../../imagetools/mod.ts";
import { formatReference } from "../../oci/mod.ts";
import { formChangeWarning } from "../../registry/mod.ts";
import type { Invocation } from "../command.ts";
import type { manifestAnnotateFlags, manifestCreateFlags, manifestPushFlags } from "./manifest.ts";
import { nameOf, registryFor, storeOf } from "./manifest/surroundings.ts";

/** Runs `manifest create MANIFEST_LIST MANIFEST...`. */
export async function runCreate({ context, flags, args }: Invocation<typeof manifestCreateFlags>): Promise<number> {
  const [listName = "", ...imageNames] = args;
  const list = nameOf(listName, "error parsing name for manifest list");
  const store = storeOf(context);
  if (!flags.amend && (await store.entries(list))) {
    throw new Error("refusing to amend an existing manifest list with no --amend flag");
  }
  const images = imageNames.map((name) => nameOf(name));
  await using registry = await registryFor(context, flags);
  const entries = await Promise.all(
    images.map(async (image) => (await store.entry(list, image)) ?? (await fetchEntry(registry, image, context))),
  );
  // Kept only when all are there: a mistyped name leaves no half of a list.
  for (const [at, entry] of entries.entries()) await store.save(list, images[at] ?? entry.reference, entry);
  context.stdout.write(`Created manifest list ${formatReference(list)}\n`);
  return 0;
}

/** Runs `manifest annotate MANIFEST_LIST MANIFEST`. */
export async function runAnnotate({ context, flags, args }: Invocation<typeof manifestAnnotateFlags>): Promise<number> {
  const [listName = "", imageName = ""] = args;
  const list = nameOf(listName, "annotate: error parsing name for manifest list");
  const image = nameOf(imageName, "annotate: error parsing name for manifest");
  const store = storeOf(context);
  const entry = await store.entry(list, image);
  if (!entry) throw new Error(`manifest for image ${imageName} does not exist in ${listName}`);
  const said = {
    os: flags.os,
    architecture: flags.arch,
    variant: flags.variant,
    osVersion: flags["os-version"],
    osFeatures: flags["os-features"],
  };
  await store.save(list, image, annotateEntry(entry, said));
  return 0;
}

/** Runs `manifest push MANIFEST_LIST`. */
export async function runPush({ context, flags, args }: Invocation<typeof manifestPushFlags>): Promise<number> {
  const list = nameOf(args[0] ?? "");
  const store = storeOf(context);
  const entries = await store.mustHave(list);
  if (entries.length === 0) throw new Error(`${formatReference(list)} not found`);
  await using registry = await registryFor(context, flags);
  const { signal, stdout, stderr } = context;
  const { descriptor, changed } = await pushManifestList(registry, list, entries, {
    onEntry: (name, digest) => void stdout.write(`Pushed ref ${name} with digest: ${digest}\n`),
    signal,
  });
  if (changed) {
    const { short, detail } = formChangeWarning(changed.refused, changed.change);
    stderr.write(`WARNING: ${[short, ...detail].join("\n")}\n`);
  }
  stdout.write(`${descriptor.digest}\n`);
  if (flags.purge) await store.remove(list);
  return 0;
}

/** Runs `manifest rm MANIFEST_LIST...`: removes what it can, then tells of the rest. */
export async function runRemove({ context, args }: Pick<Invocation, "context" | "args">): Promise<number> {
  const store = storeOf(context);
  const failures: string[] = [];
  for (const name of args) {
    try {
      const list = nameOf(name);
      await store.mustHave(list);
      await store.remove(list);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  if (failures.length > 0) throw new Error(failures.join("\n"));
  return 0;
}
