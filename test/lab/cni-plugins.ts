import { join } from "node:path";
import { DebianArchive } from "./debian.ts";
import { must } from "./run.ts";

/** Debian's CNI plugins. @returns their directory */
export async function unpackCniPlugins(): Promise<string> {
  const architecture = (await must("dpkg", ["--print-architecture"])).trim();
  const trixie = await DebianArchive.open({ suite: "trixie", architectures: [architecture] });
  const plugins = await trixie.download("containernetworking-plugins", architecture);
  return join(await trixie.unpack([plugins], "containernetworking-plugins"), "usr/lib/cni");
}
