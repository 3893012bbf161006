import { pushPackageImage } from "./package-image.ts";

/** Go, and C compilers for this machine and for arm64. */
const packages =
  "base-files base-passwd bash coreutils dash golang-go gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross";

/** Pushes an image of Go's toolchain, with what cgo needs for arm64, for this machine's architecture; returns its name in the registry. */
export async function pushGoImage(registry: string): Promise<string> {
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  return await pushPackageImage(registry, "golang", {
    name: "golang-1",
    packages: packages.split(" "),
    architectures: [architecture],
  });
}
