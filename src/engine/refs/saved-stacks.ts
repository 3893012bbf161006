import { ImageLayer } from "./image-layer.ts";
import type { RefDatabase } from "./database.ts";
import type { Layer } from "./layer.ts";
import { PackedLayer, UpperLayer } from "./made-layers.ts";
import type { StoreParts } from "./parts.ts";
import { scratchId, Stack } from "./stack.ts";

/** Records what a stack is made of. To be called in a transaction. */
export function saveStack(database: RefDatabase, stack: Stack): void {
  for (let at: Stack | undefined = stack; at?.layer && at.below; at = at.below) {
    database.addStack(at.id, { below: at.below.id, layer: at.layer.id });
  }
}

/** The stack saved under `id`, held; `undefined` when something that it is made of is gone. */
export async function loadStack(parts: StoreParts, id: string): Promise<Stack | undefined> {
  if (id === scratchId) return Stack.scratch(parts);
  const held = parts.stacks.get(id);
  if (held) return (await isUsable(held)) && !held.isGone ? held.hold() : undefined;
  const row = parts.database.stack(id);
  const below = row && (await loadStack(parts, row.below));
  if (!row || !below) return undefined;
  const layer = await loadLayer(parts, row.layer);
  if (layer && (await layer.isUsable())) return Stack.push(parts, below, layer);
  await layer?.release();
  await below.release();
  return undefined;
}

async function isUsable(stack: Stack): Promise<boolean> {
  return (await Promise.all(stack.layers().map((layer) => layer.isUsable()))).every(Boolean);
}

async function loadLayer(parts: StoreParts, id: string): Promise<Layer | undefined> {
  const row = parts.layers.has(id) ? undefined : parts.database.layer(id);
  const below = row?.below === undefined ? undefined : await loadStack(parts, row.below);
  // Somebody else may have loaded it while we waited.
  const known = parts.layers.get(id);
  if (known) {
    await below?.release();
    return known.hold();
  }
  // And it may have been removed.
  const layer = row && parts.database.layer(id) && newLayer(parts, row, below);
  if (layer) parts.layers.set(id, layer);
  else await below?.release();
  return layer;
}

function newLayer(
  parts: StoreParts,
  row: NonNullable<ReturnType<RefDatabase["layer"]>>,
  below: Stack | undefined,
): Layer | undefined {
  const { id, kind, diffId, descriptor, createdAt } = row;
  switch (kind) {
    case "image":
      if (!below || !diffId || !descriptor) return undefined;
      return new ImageLayer(parts, { id, diffId, descriptor, createdAt }, below);
    case "packed":
      return diffId && new PackedLayer(parts, { id, diffId, createdAt });
    case "upper":
      return new UpperLayer(parts, { id, diffId, createdAt });
  }
}
