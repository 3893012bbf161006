/** Where file trees come from: images of registries and of clients, directories of clients, addresses. */
export type { SourceEnvironment } from "./environment.ts";
export { ImageResolver, type ResolvedImage } from "./image/resolver.ts";
export { httpSources } from "./http/source.ts";
export { imageSource } from "./image/source.ts";
export { localSource } from "./local/source.ts";
export { type LayoutImages, layoutImages } from "./oci-layout/layout-images.ts";
export { ociLayoutSource } from "./oci-layout/source.ts";
