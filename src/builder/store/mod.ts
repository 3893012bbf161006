/**
 * Builders as docker buildx keeps them, file for file: `instances/<name>` with a builder's nodes, `current` and `defaults/` with which of them
 * to use, `activity/` with when each was used, `refs/` with what each has built, `.lock` around changes. A real `docker buildx` reads what we
 * write, and we what it writes.
 */
export { defaultConfigFile, storeDirectory } from "./directory.ts";
export { isValidName, validName } from "./names.ts";
export { randomName } from "./random-name.ts";
export { type BuilderNode, type BuilderRecord, decodeRecord, encodeRecord } from "./record.ts";
export { type CurrentBuilder, StoreReader } from "./reader.ts";
export { BuilderStore, type StoreTransaction } from "./store.ts";
