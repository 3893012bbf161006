/**
 * Blobs on this machine: {@link openDirectoryStore} keeps the engine's own, {@link openOciLayout} reads what somebody else laid down,
 * {@link LayoutDirectory} writes it.
 * A blob is there completely or not at all, and is verified on its way in.
 */
export { openDirectoryStore } from "./directory-store.ts";
export { LayoutDirectory, type LayoutName } from "./layout-directory.ts";
export { type OciLayout, openOciLayout } from "./oci-layout.ts";
export type { BlobReader, ContentStore, Ingest, ReadOptions } from "./store.ts";
export { collectBytes, ContentMismatchError, verified } from "../oci/mod.ts";
