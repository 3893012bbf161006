import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { engineProgram, run } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";
import { assertClear } from "./refusals.ts";

const house = await openHouse();
const { host } = house.registry;
const scratch = await house.directory();
await writeFile(join(scratch, "file"), "here\n");

suite("an engine does not start", { concurrency: 3 }, () => {
  const engine = async (args: readonly string[]) => {
    const root = join(await house.directory(), "root");
    const rooted = args.some((arg) => arg.startsWith("--root")) ? args : ["--root", root, ...args];
    const addressed = args.some((arg) => arg.startsWith("--addr")) ? rooted : [...rooted, `--addr=unix://${root}.sock`];
    return await run(engineProgram, addressed, { cwd: scratch, timeoutMs: 180_000 });
  };
  const long = `/tmp/${"a".repeat(110)}.sock`;

  for (const [what, args, says] of [
    ["with a flag that it does not know", ["--nope"], /unknown flag: --nope/],
    ["with an address that is none", ["--addr=http://x"], /addr http:\/\/x not supported: want unix:\/\/, tcp:\/\//],
    [
      "on a port that is taken",
      [`--addr=tcp://${host}`],
      /cannot listen on tcp:\/\/.*: bind: address already in use$/m,
    ],
    [
      "on a socket where a file is",
      ["--addr=unix:///etc/passwd"],
      /\/etc\/passwd is there already, and is no socket$/m,
    ],
    ["below a file", ["--addr=unix:///etc/passwd/x"], /mkdir \/etc\/passwd: not a directory$/m],
    ["where nothing can be made", ["--addr=unix:///proc/none/x.sock"], /mkdir \/proc\/none: operation not permitted$/m],
    ["on a path that is too long", [`--addr=unix://${long}`], /the path has more than 107 bytes/],
    ["with its state below /proc", ["--root=/proc/none/state"], /mkdir \/proc\/none: operation not permitted$/m],
    ["with its state in a file", ["--root=/etc/passwd"], /mkdir \/etc\/passwd: not a directory$/m],
    [
      "without a name for its state",
      ["--root="],
      /the state directory has no name: want for instance --root \/var\/lib/,
    ],
    ["for a group that is none", ["--group=none"], /group: unknown group none$/m],
    ["with half a key pair", ["--tlscert=/x"], /you must specify key and cert file if one is specified$/m],
    [
      "with a certificate that is none",
      ["--tlscert=file", "--tlskey=file"],
      /^polyarchd: could not load server key pair: .*file/m,
    ],
    ["with labels that are none", ["--oci-worker-labels=x"], /invalid value x: want key=value$/m],
    ["with a level that is none", ["--log-level=x"], /not a valid logrus Level: "x": want error, warn/],
  ] as const) {
    test(what, async () => {
      assertClear(await engine(args), says, 1, /^polyarchd: /gm);
    });
  }

  for (const [toml, says] of [
    ["root = 1", /:1: root: want a string, got 1$/m],
    ["root =", /failed to load config: .*:1:\d+: /],
    [
      '[worker.oci]\nplatforms = ["linux/x/y/z"]',
      /:2: worker\.oci\.platforms: "linux\/x\/y\/z": cannot parse platform/,
    ],
    [
      '[registry."x"]\nca = ["/none"]',
      /:2: registry\.x\.ca: cannot read the file: open \/none: no such file or directory$/m,
    ],
    [
      '[[worker.oci.gcpolicy]]\nfilters = ["id~=["]',
      /:2: worker\.oci\.gcpolicy\.0\.filters: invalid filter "id~=\[": /,
    ],
    ['[worker.oci]\nreservedSpace = "10XB"', /:2: worker\.oci\.reservedSpace: invalid disk space 10XB$/m],
  ] as const) {
    test(`with ${JSON.stringify(toml)} in its file`, async () => {
      const file = join(await house.directory(), "x.toml");
      await writeFile(file, toml);
      assertClear(await engine(["--config", file]), says, 1, /^polyarchd: /gm);
    });
  }

  test("on a file system that is read-only, or is an overlay itself", async () => {
    const disk = await house.directory();
    const script = [
      "set -e; cd $1; mkdir ro lower upper work over",
      "mount -t tmpfs -o ro tmpfs ro; mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay over",
      '"$2" --root=ro/state --addr=unix://$1/ro.sock && exit 9',
      '"$2" --root=over/state --addr=unix://$1/over.sock',
    ].join("\n");
    const done = await run("unshare", ["--mount", "sh", "-c", script, "sh", disk, engineProgram], {
      timeoutMs: 180_000,
    });
    assertClear(done, /^polyarchd: mkdir .*ro\/state: read-only file system$/m, 1, /^polyarchd: mkdir/gm);
    assertClear(
      done,
      /file system of .*over\/state cannot be written to through overlayfs .*--root/,
      1,
      /^polyarchd: the/gm,
    );
  });
});
