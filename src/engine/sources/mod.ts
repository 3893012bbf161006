/** Where file trees come from: images of registries, directories of clients. */
export type { SourceEnvironment } from "./environment.ts";
export { ImageResolver, type ResolvedImage } from "./image/resolver.ts";
export { imageSource } from "./image/source.ts";
export { localSource } from "./local/source.ts";
