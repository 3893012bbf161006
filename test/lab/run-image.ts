import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registrations } from "./emulators.ts";
import { must } from "./run.ts";

/** One platform's manifest in an image index, as the registry has it. */
export interface IndexedManifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string };
}

/** The manifests of a multi-platform image, read from its registry by skopeo. */
export async function readIndex(image: string, args: readonly string[] = []): Promise<readonly IndexedManifest[]> {
  const raw = await must("skopeo", ["inspect", "--tls-verify=false", ...args, "--raw", `docker://${image}`]);
  const index = JSON.parse(raw) as { manifests?: IndexedManifest[] };
  if (index.manifests === undefined) throw new Error(`${image} is no multi-platform image: ${raw}`);
  return index.manifests;
}

/** An image that was unpacked to be looked at or run. Disposing it removes it. */
export interface UnpackedImage extends AsyncDisposable {
  readonly rootfs: string;
  /** What the image says is to be run, and with which environment. */
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
}

/**
 * Fetches one manifest of an image with skopeo and unpacks it with umoci.
 * @param image an image's name without tag, or any other source that skopeo takes
 */
export async function unpackImage(source: string): Promise<UnpackedImage> {
  const dir = await mkdtemp(join(tmpdir(), "polyarch-image-"));
  const dispose = () => rm(dir, { recursive: true, force: true });
  try {
    await must("skopeo", ["copy", "--quiet", "--src-tls-verify=false", source, `oci:${dir}/layout:image`]);
    await must("umoci", ["unpack", "--image", `${dir}/layout:image`, `${dir}/bundle`]);
    const { process } = JSON.parse(await readFile(`${dir}/bundle/config.json`, "utf8")) as {
      process: { args?: string[]; env?: string[]; cwd: string };
    };
    const rootfs = `${dir}/bundle/rootfs`;
    return {
      rootfs,
      args: process.args ?? [],
      env: process.env ?? [],
      cwd: process.cwd,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/**
 * Runs what an unpacked image says, by chroot, and returns what it prints.
 *
 * Foreign programs run under qemu. Where the kernel has binfmt_misc per user namespace (6.7 and later) the machine itself
 * learns nothing of that; on older ones its own registrations must do (qemu-user-static makes them when installed).
 */
export async function runUnpacked(image: UnpackedImage, args: readonly string[] = image.args): Promise<string> {
  const script = [
    "binfmt=/proc/sys/fs/binfmt_misc",
    "if mount -t binfmt_misc binfmt_misc $binfmt 2>/dev/null; then",
    ...registrations("").map((line) => `  printf %s '${line}' > $binfmt/register 2>/dev/null || true`),
    "fi",
    'rootfs=$1; shift; exec chroot "$rootfs" "$@"',
  ].join("\n");
  const inside = ["--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh"];
  return await must("unshare", [...inside, image.rootfs, ...args], {
    env: { ...Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined])), ...pairs(image.env) },
  });
}

/** The machine that an ELF program was made for: `e_machine` of its header. */
export async function elfMachine(path: string): Promise<number> {
  await using file = await open(path);
  const header = Buffer.alloc(20);
  await file.read(header, 0, 20, 0);
  if (header.toString("latin1", 0, 4) !== "\x7fELF") throw new Error(`${path} is no ELF program`);
  return header[5] === 2 ? header.readUInt16BE(18) : header.readUInt16LE(18);
}

function pairs(env: readonly string[]): Record<string, string> {
  return Object.fromEntries(env.map((line) => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)]));
}
