/** A platform that the lab has base images and an emulator for, with its names in other worlds. */
export interface LabPlatform {
  /** As `--platform` takes it. */
  readonly name: string;
  /** Debian's architecture. */
  readonly debian: string;
  /** The oldest supported Debian release that has the architecture. */
  readonly suite: string;
  readonly os: "linux";
  readonly architecture: string;
  readonly variant?: string;
  /** What `uname -m` says in a container of that platform, emulated or not, on a 64-bit x86 machine. */
  readonly machine: string;
  /** The architecture in an ELF header: what the image's own programs are. */
  readonly elfMachine: number;
}

/** The seven platforms of the main job, in the order in which people write them. */
export const labPlatforms: readonly LabPlatform[] = [
  platform("linux/amd64", "amd64", "bookworm", "x86_64", 62),
  platform("linux/386", "i386", "bookworm", "x86_64", 3),
  platform("linux/arm64", "arm64", "bookworm", "aarch64", 183, "v8"),
  platform("linux/arm/v7", "armhf", "bookworm", "armv7l", 40),
  platform("linux/ppc64le", "ppc64el", "bookworm", "ppc64le", 21),
  platform("linux/s390x", "s390x", "bookworm", "s390x", 22),
  platform("linux/riscv64", "riscv64", "trixie", "riscv64", 243),
];

function platform(
  name: string,
  debian: string,
  suite: string,
  machine: string,
  elfMachine: number,
  impliedVariant?: string,
): LabPlatform {
  const [, architecture = "", spelled] = name.split("/");
  const variant = spelled ?? impliedVariant;
  return {
    name,
    debian,
    suite,
    os: "linux",
    architecture,
    ...(variant === undefined ? {} : { variant }),
    machine,
    elfMachine,
  };
}
