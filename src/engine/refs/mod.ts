/**
 * Held results. A {@link Ref} is a stack of layers with three faces (table of contents, directories, blobs), each made when somebody asks for it,
 * once. {@link openRefStore} keeps them under one directory and in one SQLite file, and may be killed at any instruction.
 */
export type {
  Compression,
  LayerBlob,
  LayerPlan,
  LayerProgress,
  MutableRef,
  Ref,
  RefStore,
  RemoteLayer,
} from "./ref.ts";
export { type OpenedRefStore, openRefStore, type RefStoreOptions } from "./open.ts";
export type { Removed } from "./removal.ts";
export type { LayerUsage, StoreUsage } from "./usage.ts";
export { defaultLevels } from "./codec.ts";
