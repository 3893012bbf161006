/** Where file trees come from: images of registries and of clients, directories of clients, addresses, repositories, single blobs. */
export type { SourceEnvironment } from "./environment.ts";
export { blobSources } from "./blob/source.ts";
export type { AttestationChain } from "./image/attestation-chain.ts";
export { ImageResolver, type ResolvedImage } from "./image/resolver.ts";
export { GitRepositories } from "./git/repositories.ts";
export { gitSource } from "./git/source.ts";
export { KnownFiles } from "./http/known-files.ts";
export { httpSources } from "./http/source.ts";
export { imageSource } from "./image/source.ts";
export { localSource } from "./local/source.ts";
export { type LayoutImages, layoutImages } from "./oci-layout/layout-images.ts";
export { ociLayoutSource } from "./oci-layout/source.ts";
