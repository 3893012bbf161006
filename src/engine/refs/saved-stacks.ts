import { ImageLayer } from "./image-layer.ts";
import type { RefDatabase, StackRow } from "./database.ts";
import type { Layer } from "./layer.ts";
import { PackedLayer, UpperLayer } from "./made-layers.ts";
import type { StoreParts } from "./parts.ts";
import { scratchId, Stack } from "./stack.ts";

/** Records what a stack is made of. To be called in a transaction. */
export function saveStack(database: RefDatabase, stack: Stack): void {
  for (let at: Stack | undefined = stack; at?.layer && at.below; at = at.below) {
    // So is all that lies below: no layer is removed before what stands on it.
    if (database.stack(at.id)) return;
    database.addStack(at.id, { below: at.below.id, layer: at.layer.id });
  }
}

/** The stack saved under `id`, held; `undefined` when something that it is made of is gone. Not recursive, as deep as stacks may be. */
export async function loadStack(parts: StoreParts, id: string): Promise<Stack | undefined> {
  const rows: StackRow[] = [];
  let stack: Stack | undefined;
  for (let at = id; !stack; ) {
    stack = at === scratchId ? Stack.scratch(parts) : parts.stacks.get(at)?.hold();
    if (stack) break;
    const row = parts.database.stack(at);
    if (!row) return undefined;
    rows.push(row);
    at = row.below;
  }
  if (!(await isUsable(stack))) {
    await stack.release();
    return undefined;
  }
  for (const row of rows.reverse()) {
    const layer = await loadLayer(parts, row.layer, stack);
    if (!layer || !(await layer.isUsable())) {
      await layer?.release();
      await stack.release();
      return undefined;
    }
    stack = Stack.push(parts, stack, layer);
  }
  return stack;
}

async function isUsable(stack: Stack): Promise<boolean> {
  return (await Promise.all(stack.layers().map((layer) => layer.isUsable()))).every(Boolean);
}

/** @param on what it is about to stand on: what an image's layer was unpacked on, as a rule */
async function loadLayer(parts: StoreParts, id: string, on: Stack): Promise<Layer | undefined> {
  const row = parts.layers.has(id) ? undefined : parts.database.layer(id);
  const below =
    row?.below === undefined ? undefined : row.below === on.id ? on.hold() : await loadStack(parts, row.below);
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
