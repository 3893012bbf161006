import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { outsideProxyPrefix } from "./environment.ts";
import { must, run } from "./run.ts";

/** A Debian release and one or more of its architectures, in Debian's words (`arm64`, `armhf`, `ppc64el`, …). */
export interface DebianSuite {
  readonly suite: string;
  readonly architectures: readonly string[];
  /** `machine` leaves out what this machine has installed when dependencies are resolved; `none` knows no package. */
  readonly installed?: "machine" | "none";
}

/** A file of a Debian archive that was fetched and whose signature chain apt has checked. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly path: string;
}

/** Where downloads are kept between runs: `$POLYARCH_LAB_CACHE`, or `polyarch/lab` in the user's cache directory. */
export function labCacheDir(): string {
  return (
    process.env["POLYARCH_LAB_CACHE"] ??
    join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "polyarch", "lab")
  );
}

/**
 * A private view of a Debian archive: foreign architectures and other releases, without touching the machine's own apt.
 * Mirror, proxy and certificates are the machine's; signatures are checked with Debian's archive keyring.
 */
export class DebianArchive {
  readonly #home: string;
  readonly #options: readonly string[];
  #updated: Promise<void> | undefined;

  private constructor(home: string, options: readonly string[]) {
    this.#home = home;
    this.#options = options;
  }

  static async open(want: DebianSuite): Promise<DebianArchive> {
    const [first] = want.architectures;
    if (first === undefined) throw new Error("a Debian suite without architectures");
    const home = join(labCacheDir(), "debian", `${want.suite}-${want.architectures.join("-")}`);
    for (const dir of ["etc", "lists/partial", "cache/archives/partial", "packages"]) {
      await mkdir(join(home, dir), { recursive: true });
    }
    await writeWhole(join(home, "status"), "");
    await writeWhole(
      join(home, "etc/lab.sources"),
      [
        "Types: deb",
        `URIs: ${await mirror()}`,
        `Suites: ${want.suite}`,
        "Components: main",
        `Architectures: ${want.architectures.join(" ")}`,
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
        "",
      ].join("\n"),
    );
    const settings = {
      "Dir::State::Lists": join(home, "lists"),
      "Dir::State::status": want.installed === "machine" ? "/var/lib/dpkg/status" : join(home, "status"),
      "Dir::State::extended_states": join(home, "extended_states"),
      "Dir::Cache": join(home, "cache"),
      "Dir::Etc::sourcelist": "/dev/null",
      "Dir::Etc::sourceparts": join(home, "etc"),
      "Dir::Etc::preferences": "/dev/null",
      "Dir::Etc::preferencesparts": "/dev/null",
      "Dir::Log": home,
      "APT::Architecture": first,
      "APT::Architectures": want.architectures.join(","),
      "APT::Sandbox::User": "root",
      "Acquire::Languages": "none",
      "Acquire::Retries": "3",
      "APT::Update::Error-Mode": "any",
      // A mirror may lag behind by weeks; that what it has is signed is checked all the same.
      "Acquire::Check-Valid-Until": "false",
    };
    return new DebianArchive(
      home,
      Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    );
  }

  /** Downloads exactly this package, without what it depends on. Kept from earlier runs when `kept` allows it. */
  async download(name: string, architecture: string, options: { kept?: boolean } = {}): Promise<DebianPackage> {
    const dir = join(this.#home, "packages");
    if (options.kept !== false) {
      const found = (await debsIn(dir)).find((deb) => deb.name === name && deb.architecture === architecture);
      if (found !== undefined) return found;
    }
    await this.#update();
    const partial = await mkdtemp(join(dir, `.${name}-${architecture}-`));
    try {
      await this.#apt(["--quiet=2", "download", `${name}:${architecture}`], partial);
      const [deb] = await debsIn(partial);
      if (deb === undefined) throw new Error(`apt-get downloaded no ${name}:${architecture}`);
      const path = join(dir, deb.path.slice(partial.length + 1));
      await rename(deb.path, path);
      return { ...deb, path };
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }

  /**
   * Downloads packages with all that they depend on, the one depended upon before the one that depends on it as far as apt says so. Needs a suite
   * that was opened with `installed: "none"`.
   * @returns paths of the packages
   */
  async downloadAll(names: readonly string[], architecture: string): Promise<readonly string[]> {
    await this.#update();
    const dir = join(this.#home, "cache/archives");
    const line = ["--quiet=2", "--yes", "--no-install-recommends", "--reinstall", "install"];
    const wanted = names.map((name) => `${name}:${architecture}`);
    // apt names only what it would have to fetch, so it is asked as if there were nothing yet.
    const nothing = join(this.#home, "cache/empty");
    await mkdir(join(nothing, "partial"), { recursive: true });
    const asIfNew = ["-o", `Dir::Cache::archives=${nothing}`];
    const uris = await this.#apt([...asIfNew, "--print-uris", ...line, ...wanted]);
    const files = uris.split("\n").flatMap((text) => /^'[^']+' (\S+\.deb) /.exec(text)?.[1] ?? []);
    await this.#apt(["--download-only", ...line, ...wanted]);
    return files.map((file) => join(dir, file));
  }

  /**
   * Unpacks packages, beside each other and without installing them, and returns the directory.
   * Unpacked once for the same versions.
   */
  async unpack(packages: readonly DebianPackage[], name: string): Promise<string> {
    const dir = join(
      this.#home,
      "unpacked",
      [name, ...packages.map((p) => p.version)].join("_").replaceAll(/[^\w.+-]/g, "-"),
    );
    if (existsSync(dir)) return dir;
    await mkdir(dirname(dir), { recursive: true });
    const partial = await mkdtemp(join(dirname(dir), `.${basename(dir)}-`));
    await chmod(partial, 0o755);
    for (const deb of packages) await must("dpkg-deb", ["--extract", deb.path, partial]);
    await rename(partial, dir).catch(async (cause: unknown) => {
      await rm(partial, { recursive: true, force: true }); // somebody else was faster
      if (!existsSync(dir)) throw cause;
    });
    return dir;
  }

  #update(): Promise<void> {
    this.#updated ??= this.#apt(["--quiet=2", "update"]).then(() => undefined);
    return this.#updated;
  }

  #apt(args: readonly string[], cwd = this.#home): Promise<string> {
    return apt(this.#home, [...this.#options, ...args], cwd);
  }
}

/** Seconds between the tries. */
const patience = [3, 10, 30];

/**
 * Runs apt-get on the state in `home`, alone: it would not wait for another one by itself. A mirror may fail, or be in the middle of an update.
 * @returns what it printed
 */
async function apt(home: string, args: readonly string[], cwd: string): Promise<string> {
  const alone = ["--timeout=900", join(home, "lock"), "apt-get", ...args];
  for (const seconds of patience) {
    const { code, stdout, stderr } = await run("flock", alone, { cwd, env: proxies() });
    if (code === 0) return stdout;
    console.error(`apt-get has failed, and is tried again in ${seconds} s: ${stderr.trim()}`);
    await sleep(seconds * 1000);
  }
  return await must("flock", alone, { cwd, env: proxies() });
}

/** How this machine reaches mirrors: `scripts/e2e.ts` keeps that from the tests. */
function proxies(): Readonly<Record<string, string>> {
  const kept = Object.entries(process.env).filter(([name]) => name.startsWith(outsideProxyPrefix));
  return Object.fromEntries(kept.map(([name, value = ""]) => [name.slice(outsideProxyPrefix.length), value]));
}

/** Replaces a file by a whole one: somebody may be reading it. */
async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.${randomUUID()}`;
  await writeFile(partial, text);
  await rename(partial, path);
}

async function debsIn(dir: string): Promise<DebianPackage[]> {
  const debs: DebianPackage[] = [];
  for (const file of (await readdir(dir)).toSorted()) {
    const match = /^([^_]+)_(.+)_([^_]+)\.deb$/.exec(file);
    if (match === null) continue;
    const [, name = "", version = "", architecture = ""] = match;
    debs.push({ name, version: decodeURIComponent(version), architecture, path: join(dir, file) });
  }
  return debs;
}

/** The mirror that this machine's own apt uses for Debian itself (not security, not third parties). */
async function mirror(): Promise<string> {
  const release = await readFile("/etc/os-release", "utf8");
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(release)?.[1] ?? "";
  const format = "$(REPO_URI) $(CODENAME) $(SUITE) $(COMPONENT)";
  const targets = (options: readonly string[] = []) =>
    must("apt-get", [...options, "indextargets", "--format", format, "Created-By: Packages"]);
  let told = await targets();
  if (told === "") {
    // It tells of lists that were fetched only, and images of machines come without: they are fetched, but not for the machine.
    const home = join(labCacheDir(), "debian", "machine");
    await mkdir(join(home, "lists/partial"), { recursive: true });
    const apart = ["-o", `Dir::State::Lists=${join(home, "lists")}`, "-o", "APT::Sandbox::User=root"];
    await apt(home, [...apart, "--quiet=2", "update"], home);
    told = await targets(apart);
  }
  const rows = told.split("\n").map((line) => line.split(" "));
  const own = rows.find(([, name, suite, part]) => part === "main" && (name === codename || suite === codename));
  const uri = own?.[0] ?? rows.find(([, name, , part]) => part === "main" && /^[a-z]+$/.test(name ?? ""))?.[0];
  if (uri === undefined) {
    throw new Error("apt has no source of Debian's main component: add one to /etc/apt/sources.list.d and try again");
  }
  return uri;
}
