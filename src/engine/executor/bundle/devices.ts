/** An entry of `linux.devices`: made in /dev. */
export interface RuntimeDevice {
  readonly path: string;
  readonly type: "c" | "b" | "p";
  readonly major: number;
  readonly minor: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * What a sandbox may open: nothing but the harmless devices, although root may make any node (`mknod`, CAP_MKNOD). Runtimes add those harmless
 * ones themselves: null, zero, full, random, urandom, tty, ptmx, pts.
 */
export const noDevices = [{ allow: false, access: "rwm" }];

/** What `security=insecure` may open: everything. */
export const allDevices = [
  { allow: true, type: "c", access: "rwm" },
  { allow: true, type: "b", access: "rwm" },
];

/** How many loop devices an insecure process sees, as Linux makes by default. */
const loopDevices = 8;

/** Nodes that an insecure process finds in /dev, as with BuildKit: for kernel messages, FUSE, virtual machines, tunnels and loop mounts. */
export const insecureDevices: readonly RuntimeDevice[] = [
  device("/dev/kmsg", "c", 1, 11),
  device("/dev/cuse", "c", 10, 203),
  device("/dev/fuse", "c", 10, 229),
  device("/dev/kvm", "c", 10, 232),
  device("/dev/net/tun", "c", 10, 200),
  device("/dev/loop-control", "c", 10, 237),
  ...Array.from({ length: loopDevices }, (_, minor) => device(`/dev/loop${minor}`, "b", 7, minor)),
];

function device(path: string, type: "c" | "b", major: number, minor: number): RuntimeDevice {
  return { path, type, major, minor, fileMode: 0o660 };
}
