import { makePackageImage, type PackageImage, pushPackageImage } from "./package-image.ts";

/** Architectures that the engine runs on, in the words of images. */
export type EngineArchitecture = "amd64" | "arm64";

/** What the engine's image has beside the engine, as in deploy/engine/Dockerfile, and what Debian has everywhere. */
const packages =
  "base-files base-passwd bash coreutils dash grep mount sed tar util-linux " +
  "ca-certificates crun git libatomic1 libstdc++6 openssh-client qemu-user-static";

const engineBase = (architectures: readonly EngineArchitecture[]): PackageImage => ({
  name: "engine-base-1",
  packages: packages.split(" "),
  architectures,
});

/** Makes the base of the engine's image. @returns directory of an OCI layout; its one tag is `latest` */
export async function makeEngineBase(architectures: readonly EngineArchitecture[]): Promise<string> {
  return await makePackageImage(engineBase(architectures));
}

/** Pushes the base to a registry and returns its name there. */
export async function pushEngineBase(registry: string, architectures: readonly EngineArchitecture[]): Promise<string> {
  return await pushPackageImage(registry, "engine-base", engineBase(architectures));
}
