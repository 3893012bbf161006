import {
  asEntry,
  entryToJson,
  fetchListed,
  fetchNamed,
  listDocument,
  listOf,
  type ListEntry,
  noSuchManifest,
} from "../../imagetools/mod.ts";
import type { Invocation } from "../command.ts";
import type { manifestInspectFlags } from "./manifest.ts";
import { nameOf, registryFor, storeOf } from "./manifest/surroundings.ts";

/** Runs `manifest inspect [MANIFEST_LIST] MANIFEST`: what is on this machine comes first, then what the registry has. */
export async function runInspect(invocation: Invocation<typeof manifestInspectFlags>): Promise<number> {
  const text = await inspected(invocation);
  invocation.context.stdout.write(`${text}\n`);
  return 0;
}

async function inspected({ context, flags, args }: Invocation<typeof manifestInspectFlags>): Promise<string> {
  const { verbose } = flags;
  const { signal } = context;
  const store = storeOf(context);
  const name = nameOf(args.at(-1) ?? "");
  if (args.length === 2) {
    const entry = await store.entry(nameOf(args[0] ?? ""), name);
    if (!entry) throw noSuchManifest(name);
    return showManifest(entry, verbose);
  }
  const local = await store.entries(name);
  if (local) return verbose ? tabbed(local.map(entryToJson)) : textOf(listDocument(name, local).bytes);
  await using registry = await registryFor(context, flags);
  const image = await fetchNamed(registry, name, { signal });
  const entry = await asEntry(registry, image, { signal });
  if (entry) return showManifest(entry, verbose);
  const children = image.document.type === "index" ? image.document.index.manifests : [];
  if (!verbose) return textOf(listOf(children).bytes);
  return tabbed((await fetchListed(registry, name, children, { signal })).map(entryToJson));
}

function showManifest(entry: ListEntry, verbose: boolean): string {
  return tabbed(verbose ? entryToJson(entry) : JSON.parse(textOf(entry.bytes)));
}

function tabbed(value: unknown): string {
  return JSON.stringify(value, undefined, "\t");
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
