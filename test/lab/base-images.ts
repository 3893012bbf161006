import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DebianArchive, labCacheDir } from "./debian.ts";
import { type LabPlatform, labPlatforms } from "./platforms.ts";
import { must } from "./run.ts";

/** Raised when the images' contents change, so that no older ones are taken from the cache. */
const recipe = 1;

/**
 * Makes the base image of the demo, the tests and the benchmarks: Debian's statically linked busybox for each of the
 * lab's platforms, as one multi-platform image in an OCI layout. The same packages give the same bytes.
 * Made once and kept in the lab's cache.
 * @returns the layout's directory; its one tag is `latest`
 */
export async function makeBaseImages(): Promise<string> {
  const layout = join(labCacheDir(), `busybox-${recipe}`);
  if (existsSync(layout)) return layout;
  await mkdir(labCacheDir(), { recursive: true });
  const partial = await mkdtemp(`${layout}.`);
  try {
    const blobs = join(partial, "blobs", "sha256");
    await mkdir(blobs, { recursive: true });
    const manifests = [];
    for (const { platform, busybox, applets } of await downloadBusyboxes()) {
      const manifest = await writeImage(blobs, platform, await packRootfs(busybox, applets));
      manifests.push({ ...manifest, platform: platformOf(platform) });
    }
    const index = await writeJson(blobs, {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests,
    });
    const tagged = {
      mediaType: "application/vnd.oci.image.index.v1+json",
      ...index,
      annotations: { "org.opencontainers.image.ref.name": "latest" },
    };
    await writeFile(join(partial, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [tagged] }));
    await writeFile(join(partial, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    await rename(partial, layout).catch((cause: unknown) => {
      if (!existsSync(layout)) throw cause; // otherwise somebody else made the same
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return layout;
}

/** Pushes the base image to a registry as `<registry>/busybox:latest` and returns that name. */
export async function pushBaseImages(registry: string): Promise<string> {
  const name = `${registry}/busybox:latest`;
  const layout = await makeBaseImages();
  const args = ["copy", "--quiet", "--all", "--preserve-digests", "--dest-tls-verify=false"];
  await must("skopeo", [...args, `oci:${layout}:latest`, `docker://${name}`]);
  return name;
}

interface Busybox {
  readonly platform: LabPlatform;
  /** The program's bytes, on disk. */
  readonly busybox: string;
  readonly applets: readonly string[];
}

async function downloadBusyboxes(): Promise<Busybox[]> {
  const found: { platform: LabPlatform; busybox: string }[] = [];
  for (const suite of new Set(labPlatforms.map((p) => p.suite))) {
    const platforms = labPlatforms.filter((p) => p.suite === suite);
    const archive = await DebianArchive.open({ suite, architectures: platforms.map((p) => p.debian) });
    for (const platform of platforms) {
      const deb = await archive.download("busybox-static", platform.debian);
      const dir = await archive.unpack([deb], `busybox-${platform.debian}`);
      const busybox = ["bin/busybox", "usr/bin/busybox"].map((p) => join(dir, p)).find((p) => existsSync(p));
      if (busybox === undefined) throw new Error(`${deb.path} holds no busybox`);
      found.push({ platform, busybox });
    }
  }
  const native = process.arch === "arm64" ? "arm64" : "amd64";
  const own = found.find(({ platform }) => platform.debian === native);
  const applets = (await must(own?.busybox ?? "busybox", ["--list"])).trim().split("\n");
  return labPlatforms.flatMap((platform) => {
    const busybox = found.find((f) => f.platform === platform)?.busybox;
    return busybox === undefined ? [] : [{ platform, busybox, applets: applets.filter((name) => name !== "busybox") }];
  });
}

/** A small root filesystem as an uncompressed tar with nothing in it that depends on when or where it was made. */
async function packRootfs(busybox: string, applets: readonly string[]): Promise<Buffer> {
  const root = await mkdtemp(join(tmpdir(), "polyarch-rootfs-"));
  try {
    for (const dir of ["bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "usr/bin", "var/log"]) {
      await mkdir(join(root, dir), { recursive: true });
    }
    await chmod(join(root, "tmp"), 0o1777);
    await chmod(join(root, "root"), 0o700);
    await copyFile(busybox, join(root, "bin/busybox"));
    await chmod(join(root, "bin/busybox"), 0o755);
    for (const applet of applets) await symlink("busybox", join(root, "bin", applet));
    await writeFile(
      join(root, "etc/passwd"),
      "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\nwww-data:x:33:33:www-data:/var/www:/bin/false\n" +
        "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    );
    await writeFile(join(root, "etc/group"), "root:x:0:\ndaemon:x:1:\nstaff:x:50:\nwww-data:x:33:\nnogroup:x:65534:\n");
    const tar = join(root, "..", `${root.split("/").at(-1)}.tar`);
    const fixed = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=ustar"];
    await must("tar", [...fixed, "--mode=go-w", "--exclude=./tmp", "-C", root, "-cf", tar, "."]);
    await must("tar", [...fixed, "-C", root, "-rf", tar, "./tmp"]);
    try {
      return await readFile(tar);
    } finally {
      await rm(tar);
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}

async function writeImage(blobs: string, platform: LabPlatform, tar: Buffer): Promise<Blob & { mediaType: string }> {
  const layer = await writeBlob(blobs, gzipSync(tar, { level: 9 }));
  const config = await writeJson(blobs, {
    created: "1970-01-01T00:00:00Z",
    ...platformOf(platform),
    config: { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "Debian's busybox-static" }],
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await writeJson(blobs, {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", ...layer }],
  });
  return { mediaType, ...manifest };
}

function platformOf({ os, architecture, variant }: LabPlatform): Record<string, string> {
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

async function writeBlob(blobs: string, bytes: Uint8Array): Promise<Blob> {
  const digest = digestOf(bytes);
  const path = join(blobs, digest.slice("sha256:".length));
  await writeFile(path, bytes);
  return { digest, size: (await stat(path)).size };
}

async function writeJson(blobs: string, value: unknown): Promise<Blob> {
  return await writeBlob(blobs, Buffer.from(JSON.stringify(value)));
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
