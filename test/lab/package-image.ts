import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DebianArchive, labCacheDir } from "./debian.ts";
import { must } from "./run.ts";

/** An image that is made of Debian's packages, unpacked and not installed: for where no registry has Debian itself. */
export interface PackageImage {
  /** Names its place in the cache; to be changed when the contents change, so that no older one is taken. */
  readonly name: string;
  /** With all that they depend on. */
  readonly packages: readonly string[];
  /** In the words of images; only those for which Debian's are the same. */
  readonly architectures: readonly string[];
}

/**
 * Makes the image, once, and keeps it in the lab's cache.
 * @returns directory of an OCI layout; its one tag is `latest`
 */
export async function makePackageImage({ name, packages, architectures }: PackageImage): Promise<string> {
  const layout = join(labCacheDir(), `${name}-${architectures.join("-")}`);
  if (existsSync(layout)) return layout;
  await mkdir(labCacheDir(), { recursive: true });
  const partial = await mkdtemp(`${layout}.`);
  try {
    const blobs = join(partial, "blobs/sha256");
    await mkdir(blobs, { recursive: true });
    const manifests = [];
    for (const architecture of architectures) {
      const image = await makeImage(blobs, architecture, packages);
      manifests.push({ ...image, platform: { os: "linux", architecture } });
    }
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const index = await writeJson(blobs, { schemaVersion: 2, mediaType, manifests });
    const annotations = { "org.opencontainers.image.ref.name": "latest" };
    const tagged = { schemaVersion: 2, manifests: [{ mediaType, ...index, annotations }] };
    await writeFile(join(partial, "index.json"), JSON.stringify(tagged));
    await writeFile(join(partial, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    await rename(partial, layout).catch((cause: unknown) => {
      if (!existsSync(layout)) throw cause; // otherwise somebody else made the same
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return layout;
}

/** Pushes the image to a registry as `<repository>:latest` and returns its name there. */
export async function pushPackageImage(registry: string, repository: string, image: PackageImage): Promise<string> {
  const name = `${registry}/${repository}:latest`;
  const layout = await makePackageImage(image);
  const args = ["copy", "--quiet", "--all", "--preserve-digests", "--dest-tls-verify=false"];
  await must("skopeo", [...args, `oci:${layout}:latest`, `docker://${name}`]);
  return name;
}

async function makeImage(blobs: string, architecture: string, packages: readonly string[]): Promise<object> {
  const archive = await DebianArchive.open({ suite: "bookworm", architectures: [architecture], installed: "none" });
  const work = await mkdtemp(join(tmpdir(), "polyarch-base-"));
  try {
    const root = join(work, "root");
    await makeRoot(root, await archive.downloadAll(packages, architecture));
    const tar = join(work, "layer.tar");
    const fixed = ["--sort=name", "--mtime=@0", "--numeric-owner", "--format=gnu", "--one-file-system"];
    await must("tar", [...fixed, "-C", root, "-cf", tar, "."]);
    const diffId = `sha256:${await digestOfFile(tar)}`;
    await must("gzip", ["-1", "-n", tar]);
    const config = await writeJson(blobs, {
      architecture,
      os: "linux",
      config: { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] },
      rootfs: { type: "layers", diff_ids: [diffId] },
      history: [{ created_by: "packages of Debian's" }],
    });
    const layer = await adopt(blobs, `${tar}.gz`);
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const manifest = await writeJson(blobs, {
      schemaVersion: 2,
      mediaType,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", ...layer }],
    });
    return { mediaType, ...manifest };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A root filesystem of unpacked packages, with the little of what their scripts do that programs need. */
async function makeRoot(root: string, debs: readonly string[]): Promise<void> {
  for (const dir of ["bin", "sbin", "lib", "lib64"]) {
    await mkdir(join(root, "usr", dir), { recursive: true });
    await symlink(`usr/${dir}`, join(root, dir));
  }
  for (const deb of debs) {
    const unpack = `dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"`;
    await must("sh", ["-c", unpack, "sh", deb, root]);
  }
  for (const name of ["passwd", "group"]) {
    await writeFile(join(root, "etc", name), await readFile(join(root, "usr/share/base-passwd", `${name}.master`)));
  }
  await symlink("dash", join(root, "usr/bin/sh")).catch(() => undefined);
  const certificates = join(root, "usr/share/ca-certificates/mozilla");
  if (existsSync(certificates)) await bundleCertificates(root, certificates);
  for (const dir of ["doc", "man", "locale", "info"])
    await rm(join(root, "usr/share", dir), { recursive: true, force: true });
  await mkdir(join(root, "tmp"), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
}

async function bundleCertificates(root: string, certificates: string): Promise<void> {
  const bundle = await Promise.all(
    (await readdir(certificates)).toSorted().map((file) => readFile(join(certificates, file))),
  );
  await mkdir(join(root, "etc/ssl/certs"), { recursive: true });
  await writeFile(join(root, "etc/ssl/certs/ca-certificates.crt"), Buffer.concat(bundle));
}

async function adopt(blobs: string, path: string): Promise<{ digest: string; size: number }> {
  const hex = await digestOfFile(path);
  await must("mv", [path, join(blobs, hex)]);
  return { digest: `sha256:${hex}`, size: (await stat(join(blobs, hex))).size };
}

async function writeJson(blobs: string, value: unknown): Promise<{ digest: string; size: number }> {
  const bytes = Buffer.from(JSON.stringify(value));
  const hex = createHash("sha256").update(bytes).digest("hex");
  await writeFile(join(blobs, hex), bytes);
  return { digest: `sha256:${hex}`, size: bytes.byteLength };
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
