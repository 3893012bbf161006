import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DebianArchive } from "./debian.ts";
import { must } from "./run.ts";

/** What dpkg knows of packages that lie in a tree. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

/**
 * Unpacks packages of Debian's into a directory by dpkg, so that its database there knows of them. Their scripts are not run, and what they depend on
 * is left out.
 * @param names those that are for any machine end in `:all`
 * @returns the packages as dpkg lists them, sorted by name
 */
export async function installPackages(root: string, names: readonly string[]): Promise<readonly InstalledPackage[]> {
  const architecture = (await must("dpkg", ["--print-architecture"])).trim();
  const archive = await DebianArchive.open({ suite: "bookworm", architectures: [architecture] });
  const admin = join(root, "var/lib/dpkg");
  for (const directory of ["info", "updates"]) await mkdir(join(admin, directory), { recursive: true });
  await writeFile(join(admin, "status"), "");
  const debs = [];
  for (const spelled of names) {
    const [name = "", own = architecture] = spelled.split(":");
    debs.push((await archive.download(name, own)).path);
  }
  const log = join(root, "dpkg.log");
  await must("dpkg", [`--root=${root}`, `--log=${log}`, "--force-all", "--unpack", ...debs]);
  await rm(log, { force: true });
  const format = "${Package} ${Version} ${Architecture}\n";
  const listed = await must("dpkg-query", [`--admindir=${admin}`, "--show", "--showformat", format]);
  return listed
    .trim()
    .split("\n")
    .toSorted()
    .map((line) => {
      const [name = "", version = "", architecture = ""] = line.split(" ");
      return { name, version, architecture };
    });
}
