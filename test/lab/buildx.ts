import { join } from "node:path";
import { DebianArchive } from "./debian.ts";
import { must } from "./run.ts";

/** Debian's docker-buildx, another implementation of the client; a program that works without Docker. */
export async function unpackBuildx(): Promise<string> {
  const architecture = (await must("dpkg", ["--print-architecture"])).trim();
  const trixie = await DebianArchive.open({ suite: "trixie", architectures: [architecture] });
  const unpacked = await trixie.unpack([await trixie.download("docker-buildx", architecture)], "docker-buildx");
  return join(unpacked, "usr/libexec/docker/cli-plugins/docker-buildx");
}
