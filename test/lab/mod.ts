/**
 * What tests, benchmarks and the demo run against: a real registry, real Docker Engines, images and tools of Debian's, and
 * the programs of this repository as people start them. Nothing here uses this project's own code, so that what it finds
 * out about an image is a second opinion.
 */
export { makeBaseImages, pushBaseImages } from "./base-images.ts";
export { unpackBuildx } from "./buildx.ts";
export { type LabActionsCache, startActionsCache } from "./cloud/actions-cache.ts";
export { type LabAzure, startAzure } from "./cloud/azure.ts";
export { type LabS3, type S3User, startS3 } from "./cloud/s3.ts";
export { unpackCniPlugins } from "./cni-plugins.ts";
export { DebianArchive, type DebianPackage, type DebianSuite, labCacheDir } from "./debian.ts";
export { type DockerRelease, type LabDocker, startDocker, unpackDocker } from "./docker.ts";
export { buildctlProgram, engineProgram, type LabEngine, startEngine } from "./engine.ts";
export { emulateOnHost } from "./emulators.ts";
export { testEnvironment } from "./environment.ts";
export { type LabNetwork, openOwnNetwork } from "./own-network.ts";
export { type EngineArchitecture, makeEngineBase, pushEngineBase } from "./engine-base.ts";
export { type LabFiles, type LabFilesOptions, serveFiles } from "./files-server.ts";
export { type LabGit, startGit } from "./git.ts";
export { type GitHttpRequest, type LabGitHttp, serveGitOverHttp } from "./git-http.ts";
export { pushEngineImage } from "./engine-image.ts";
export { pushGoImage } from "./go-image.ts";
export { type InstalledPackage, installPackages } from "./installed-packages.ts";
export { type LabKubernetes, type LabObject, startKubernetes } from "./kubernetes/cluster.ts";
export { type LabPlatform, labPlatforms } from "./platforms.ts";
export { type Held, type LabPolyarch, openPolyarch, polyarchProgram } from "./polyarch.ts";
export { type Process, processes, processTree } from "./processes.ts";
export { type ManifestPut, type PickyRegistry, startOldRegistry, startPickyRegistry } from "./picky-registry.ts";
export { type FrontendImageOptions, pushFrontendImage } from "./frontend-image.ts";
export { copyPublicPrograms, type PublicPrograms } from "./public-programs.ts";
export { openReference } from "./reference.ts";
export { openTestEngine } from "./test-engine.ts";
export {
  type LabRegistry,
  type RegistryOptions,
  type RegistryRequest,
  registryUser,
  startRegistry,
} from "./registry.ts";
export { type Finished, type RunOptions, must, run } from "./run.ts";
export { startTlsProxy, type TlsProxy } from "./tls-proxy.ts";
export {
  type IndexedManifest,
  type UnpackedImage,
  elfMachine,
  readIndex,
  runUnpacked,
  unpackImage,
} from "./run-image.ts";
export { copyProgram, type LabSshAgent, startSshAgent } from "./ssh-agent.ts";
export { type LabSshd, startSshd } from "./sshd.ts";
