import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import { run, unpackDocker } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";
import { assertClear, forAll, type Mistake, refuses, stateOf } from "./refusals.ts";

// What is wrong in a Dockerfile is in errors.test.ts, what docker buildx says of builders word for word in builders.test.ts.

const house = await openHouse();
const { base } = house;
const { host } = house.registry;
const context = await house.context({ Dockerfile: `FROM ${base}\nRUN true\n` });
const scratch = await house.directory();
await writeFile(join(scratch, "file"), "here\n");
await writeFile(join(scratch, "bad.json"), "{");

let names = 0;
/** While a node is tried, its builder is there, for a moment: each has a name of its own. */
const create = (driver: string, args: readonly string[]) => [
  "create",
  "--name",
  `never${++names}`,
  "--driver",
  driver,
  ...args,
];
const remote = (...args: string[]) => create("remote", args);
const container = (...args: string[]) => create("docker-container", args);

suite("commands refuse", () => {
  refuses(house, scratch, "what they do not know", () => [
    [["biuld", "."], /^ERROR: unknown command: "biuld"\n\nDid you mean 'polyarch build'\?$/m],
    [["imagetools", "inspekt"], /^ERROR: unknown command: "inspekt"/m],
    [["manifest", "nope"], /^ERROR: unknown command: "nope"/m],
    [["bake", "-f", "x.hcl"], /^ERROR: bake is not supported by polyarch yet: run build for each target, or use /m],
    [["history", "open"], /^ERROR: no records found$/m],
    [["biuld", "--push", "."], /^ERROR: unknown command: "biuld"$/m],
    [["create", "--drvier", "remote"], /^ERROR: unknown flag: --drvier\nDid you mean --driver\?$/m],
    [["ls", "extra"], /^ERROR: 'polyarch ls' requires 0 arguments$/m],
    [["imagetools", "create", "-t"], /^ERROR: flag needs an argument: 't' in -t$/m],
    [["build", "--load=perhaps", context], /^ERROR: invalid argument "perhaps" for "--load" flag/m],
  ]);
  refuses(house, scratch, "builders that cannot be", () => [
    [["create", "--driver", "nope"], /^ERROR: failed to find driver "nope" \(there are /m],
    [["create", "--name", "Bad Name!"], /^ERROR: invalid name Bad Name!, /m],
    [remote(), /^ERROR: no remote endpoint provided$/m],
    [remote("http://x"), /^ERROR: unrecognized url scheme http: want one of /m],
    [remote("tcp://x:notaport"), /: invalid address "tcp:\/\/x:notaport": want tcp:\/\/host:port$/m],
    [remote("tcp://x:99999"), /: invalid address "tcp:\/\/x:99999"/],
    [remote("unix://"), /: invalid address "unix:\/\/": no path$/m],
    [remote("ssh://"), /: invalid SSH URL "ssh:\/\/": no host specified$/m],
    [remote("--driver-opt", "nope=1", "tcp://x:1"), /: invalid driver option nope for remote driver$/m],
    [remote("--driver-opt", "cacert", "tcp://x:1"), /^ERROR: invalid value "cacert", expecting k=v$/m],
    [remote("--driver-opt", "key=/x", "tcp://x:1"), /: tls enabled, but missing keys cacert, cert$/m],
    [remote("--platform", "amd46", "tcp://x:1"), /^ERROR: "amd46": unknown operating system or architecture/m],
    [remote("--platform", "linux/amd64/x/y", "tcp://x:1"), /^ERROR: "linux\/amd64\/x\/y": cannot parse platform/m],
    [remote("--buildkitd-config", "/none", "tcp://x:1"), /: \/none: open \/none: no such file or directory$/m],
    [
      container("--driver-opt", "memory=x"),
      /: invalid value "x" of driver option memory: invalid size: 'x': want a size/,
    ],
    [container("--driver-opt", "nope=1"), /: invalid driver option nope for docker-container driver$/m],
    [container("--buildkitd-flags", '--a "b'), /^ERROR: failed to parse buildkit flags: /m],
    [["create", "--append", "--name", "nobody", "unix:///x"], /^ERROR: failed to find instance "nobody" for append$/m],
    [["create", "--leave", "--name", "nobody", "--node", "x"], /^ERROR: failed to find instance "nobody" for leave$/m],
  ]);
  refuses(house, scratch, "nodes that cannot be reached", () => [
    [
      remote("--bootstrap", "ssh://nohost.invalid"),
      /^ERROR: no engine answers at ssh:.*: command \[ssh\] has exited with exit status 255, stderr=.*nohost\.invalid/m,
    ],
    [
      container("--bootstrap", "ssh://nohost.invalid"),
      /: command \[ssh\] has exited with exit status 255, stderr=.*nohost\.invalid/,
    ],
    [
      container("--bootstrap", "tcp://127.0.0.1:1"),
      /: Cannot connect to the Docker daemon at tcp:\/\/127\.0\.0\.1:1\. /,
    ],
    [
      ["create", "--name", "never", "--driver", "kubernetes", "--bootstrap"],
      /: no kubeconfig found: set KUBECONFIG, or make /,
      { env: { KUBECONFIG: "/none" } },
    ],
  ]);
  refuses(house, scratch, "builders that are not there", () => [
    ...["build", "run", "inspect", "du", "dial-stdio"].map(
      (command): Mistake => [
        [command, "--builder", "nobody", ...(command === "build" ? [context] : command === "run" ? [base] : [])],
        /^ERROR: no builder "nobody" found/m,
        { code: command === "run" ? 125 : 1 },
      ],
    ),
    [["use", "nobody"], /^ERROR: failed to find instance "nobody"/m],
    [["stop", "nobody"], /^ERROR: no builder "nobody" found/m],
    [
      ["rm", "nobody"],
      /^failed to remove nobody: no builder "nobody" found[^]*^ERROR: failed to remove one or more builders$/m,
    ],
    [["rm", "--all-inactive", "x"], /^ERROR: cannot specify builder name when --all-inactive is set$/m],
  ]);
  refuses(house, scratch, "filters, sizes, durations and formats that are none", () => [
    [["ls", "--format", "{{.Nope}}"], /^ERROR: .*can't evaluate field Nope: there are /m],
    [["ls", "--format", "{{"], /^ERROR: template: :1: unclosed action$/m],
    [["du", "--filter", "foo"], /^ERROR: invalid argument "foo" for "--filter" flag: bad format of filter/m],
    [["du", "--filter", "until=abc"], /^ERROR: "until" filter expects a duration .*: invalid duration "abc"$/m],
    [["du", "--filter", "id=["], /^ERROR: .*"\[" is no regular expression$/m],
    [["prune", "-f", "--max-used-space", "10XB"], /^ERROR: invalid argument "10XB" .*: invalid size: '10XB'$/m],
    [["imagetools", "inspect", "--format", "{{.Nope}}", base], /^ERROR: .*can't evaluate field Nope/m],
    [["image", "inspect", "--raw", "--format", "json", base], /^ERROR: format and raw cannot be used together$/m],
    [["history", "inspect", "nobody"], /^ERROR: no record found for ref "nobody"$/m],
  ]);
  refuses(house, scratch, "outputs and reports that have no place", () => [
    [["build", "-o", "type=nope", context], /^ERROR: .*exporter "nope" could not be found$/m],
    [["build", "-o", "type=local", context], /^ERROR: .*dest is required for local exporter$/m],
    [["build", "-o", "type=tar,dest=none/x.tar", context], /: cannot write none\/x\.tar: .*none is not a directory$/m],
    [["build", "-o", "type=oci,dest=.", context], /: destination file \. is a directory$/m],
    [["build", "-o", "file", context], /: invalid destination directory: file: .* is not a directory$/m],
    [["build", "-o", "/proc/none/x", context], /: mkdir \/proc\/none: operation not permitted$/m],
    [["build", "-o", "/sys/none", context], /operation not permitted|read-only file system/],
    [["build", "-o", "type=image,name=x,compression=zip", context], /: unsupported compression type zip$/m],
    [["build", "--push", context], /: tag is needed when pushing to registry$/m],
    [["build", "--iidfile", "none/id", context], /: cannot write none\/id: .*none is not a directory$/m],
    [["build", "--metadata-file", ".", context], /: destination file \. is a directory$/m],
    [
      ["build", "--load", context],
      /: Cannot connect to the Docker daemon at unix:\/\/\/none\.sock\. /,
      { env: { DOCKER_HOST: "unix:///none.sock", BUILDX_BUILDER: "embedded" } },
    ],
  ]);
  refuses(house, scratch, "contexts and Dockerfiles that are none", () => [
    [["build", "nowhere"], /: unable to prepare context: path "nowhere" not found$/m],
    [["build", "-f", ".", context], /: failed to read dockerfile: read \.: is a directory$/m],
    [["build", "-f", "none", context], /: failed to read dockerfile: open none: no such file or directory$/m],
    [["build", "--build-context", "x", context], /: invalid context value: x, expected key=value$/m],
    [["build", "--build-context", "x=./none", context], /: failed to get build context x: stat .*: no such file/],
    [["build", "--build-arg", "=x", context], /: invalid key-value pair "=x": empty key$/m],
    [["build", "--network", "nope", context], /: network mode "nope" not supported by buildkit/],
    [["build", "--add-host", "x", context], /: invalid host x$/m],
    [["build", "--ulimit", "x", context], /^ERROR: invalid argument "x" for "--ulimit" flag/m],
  ]);
  refuses(house, scratch, "images that cannot be had", () => [
    [["imagetools", "inspect", "UPPER"], /^ERROR: invalid reference format: repository name .* must be lowercase$/m],
    [["imagetools", "inspect", `${host}/none`], /^ERROR: .*\/none:latest: not found$/m],
    [["imagetools", "inspect", "127.0.0.1:1/x"], /connection refused: nothing listens there: check that registry /],
    [["imagetools", "inspect", "nohost.invalid/x"], /(no such host|name resolution): check /],
    [["imagetools", "create", "-t", `${host}/new`], /^ERROR: no sources specified$/m],
    [["imagetools", "create", "-t", `${host}/new`, "-f", "none"], /^ERROR: open .*none: no such file or directory$/m],
    [["imagetools", "create", "-t", `${host}/new`, "-f", "bad.json"], /^ERROR: failed to parse source "\{", valid /m],
    [["imagetools", "create", "-t", `${host}/new`, "--annotation", "x", base], /: invalid annotation "x", expected /],
    [["imagetools", "create", base], /^ERROR: can't push with no tags specified, please set --tag or --dry-run$/m],
    [["manifest", "create", `${host}/l`, `${host}/none`], /^ERROR: no such manifest: .*\/none:latest$/m],
    [["manifest", "annotate", `${host}/l`, base], /^ERROR: manifest for image .* does not exist in /m],
    [["manifest", "push", `${host}/l`], /^ERROR: No such manifest: /m],
    [["run", `${host}/none`], /\/none:latest: not found$/m, { code: 125 }],
    [
      ["run", "--platform", "linux/x/y/z", base],
      /^ERROR: "linux\/x\/y\/z": cannot parse platform specifier/m,
      { code: 125 },
    ],
    [["image", "inspect", `${host}/none`], /^ERROR: .*\/none:latest: not found$/m],
    [["image", "inspect", "--platform", "windows/amd64", base], /has no manifest for windows\/amd64: it is for linux/],
  ]);
  refuses(house, scratch, "logins, emulators and certificates that make no sense", () => [
    [["login", "-u", "x", "-p", "y", "bad host/"], /^ERROR: invalid server address "bad host\/": want host\[:port\]/m],
    [["login", "-u", "x", "-p", "y", "127.0.0.1:1"], /connection refused: nothing listens there/],
    [["login", "--password-stdin", host], /^ERROR: the --password-stdin option requires --username to be set$/m],
    [["login", "-u", "x", host], /^ERROR: Cannot perform an interactive login from a non TTY device$/m],
    [["binfmt", "--mount", "/none", "--install", "arm64"], /^ERROR: /m],
    [["daemon", "certs", "/proc/none/certs"], /^ERROR: mkdir \/proc\/none: operation not permitted$/m],
    [["daemon", "certs", "file"], /^ERROR: mkdir .*file: not a directory$/m],
    [["daemon", "certs", "--san", "bad host", "new"], /^ERROR: invalid --san "bad host": want DNS names or IP/m],
    [["daemon", "certs", "--days", "0", "new"], /^ERROR: invalid --days 0: want 1 to /m],
  ]);

  test("architectures that nobody knows, and names those that there are", async () => {
    for (const flag of ["--install", "--uninstall"]) {
      const { code, stderr } = await house.polyarch(["binfmt", flag, "pdp11"]);
      assert.equal(code, 1, stderr);
      assert.match(stderr, /unsupported architecture: pdp11: there are amd64, arm64, /);
    }
  });

  refuses(house, scratch, "variables that name what is not there", () => [
    ...["build", "inspect", "du"].map(
      (command): Mistake => [
        [command, ...(command === "build" ? [context] : [])],
        /^ERROR: no builder "nobody" found$/m,
        { env: { BUILDX_BUILDER: "nobody" } },
      ],
    ),
    ...["build", "inspect", "ls"].map(
      (command): Mistake => [
        [command, ...(command === "build" ? [context] : [])],
        /^ERROR: current context "nothing" is not found .*DOCKER_CONTEXT/m,
        { env: { DOCKER_CONTEXT: "nothing" } },
      ],
    ),
    [
      ["build", context],
      /: lookup nohost\.invalid: (no such host|Temporary)/,
      { env: { DOCKER_HOST: "tcp://nohost.invalid:1" } },
    ],
    [
      ["build", context],
      /Cannot connect to the Docker daemon at tcp:.*:1\. Is /,
      { env: { DOCKER_HOST: "tcp://127.0.0.1:1" } },
    ],
    [["build", context], /^ERROR: invalid bind address format: foo:\/\/x$/m, { env: { DOCKER_HOST: "foo://x" } }],
    [
      ["build", context],
      /could not read CA certificate "\/none\/ca\.pem": no such file/,
      { env: { DOCKER_HOST: "tcp://127.0.0.1:1", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/none" } },
    ],
    [
      remote("unix:///x"),
      /cannot make .*: not a directory: BUILDX_CONFIG names another/,
      { env: { BUILDX_CONFIG: "file" } },
    ],
    [
      ["manifest", "create", `${host}/l`, base],
      /file.*: not a directory/,
      { env: { DOCKER_CONFIG: join(scratch, "file") } },
    ],
    [
      ["logout", host],
      /^ERROR: .*file\/config\.json: not a directory$/m,
      { env: { DOCKER_CONFIG: join(scratch, "file") } },
    ],
    [["build", context], /^ERROR: invalid progress mode nope$/m, { env: { BUILDKIT_PROGRESS: "nope" } }],
    [["build", context], /"x\/y\/z\/w": cannot parse platform/, { env: { DOCKER_DEFAULT_PLATFORM: "x/y/z/w" } }],
  ]);

  test("to work with files that something has damaged, and say which", async () => {
    const home = await house.directory();
    const write = async (path: string, text: string) => {
      await mkdir(dirname(join(home, path)), { recursive: true });
      await writeFile(join(home, path), text);
    };
    for (const [at, text] of [
      ["docker-1/config.json", "{"],
      ["docker-2/config.json", "[]"],
      ["docker-3/config.json", '{"auths": 3}'],
      ["docker-4/config.json", '{"currentContext": "x"}'],
      [`docker-4/contexts/meta/${createHash("sha256").update("x").digest("hex")}/meta.json`, "{"],
      ["buildx-1/instances/x", "{"],
      ["buildx-2/instances/x", '{"Name":"x","Driver":"remote","Nodes":3}'],
      ["buildx-3/current", "{"],
      ["buildx-4/instances/x/below", ""],
    ] as const)
      await write(at, text);
    const before = await stateOf(house, home);
    const docker = (number: number) => ({ DOCKER_CONFIG: join(home, `docker-${number}`) });
    const buildx = (number: number) => ({ BUILDX_CONFIG: join(home, `buildx-${number}`) });
    const notParsed = /Cannot parse Docker config file ".*\/config\.json": .*: mend the file, or remove it$/m;
    const mistakes: Mistake[] = [
      ...[1, 2, 3].map((number): Mistake => [["ls"], notParsed, { env: docker(number) }]),
      ...[
        ["build", context],
        ["logout", host],
        ["imagetools", "inspect", base],
        ["manifest", "inspect", base],
      ].map((args): Mistake => [args, notParsed, { env: docker(1) }]),
      [["run", base], notParsed, { env: docker(1), code: 125 }],
      ...[["ls"], ["inspect"], ["build", context]].map(
        (args): Mistake => [args, /Cannot read Docker context file ".*meta\.json"/, { env: docker(4) }],
      ),
      ...[
        ["ls"],
        ["inspect", "x"],
        ["use", "x"],
        ["stop", "x"],
        ["rm", "x"],
        ["create", "--append", "--name", "x", "unix:///x"],
      ].map(
        (args): Mistake => [
          args,
          /cannot read the builder in .*\/x: .*; mend the file, or remove it/,
          { env: buildx(1) },
        ],
      ),
      [["inspect", "x"], /\/x: Nodes is not a list; mend the file/, { env: buildx(2) }],
      ...[["ls"], ["build", context]].map(
        (args): Mistake => [args, /cannot read .*\/current: .*: mend it, or remove it$/m, { env: buildx(3) }],
      ),
      [
        ["inspect", "x"],
        /cannot read .*instances\/x: read .*: is a directory: mend it, or remove it$/m,
        { env: buildx(4) },
      ],
    ];
    await forAll(mistakes, async ([args, says, { env = {}, code } = {}]) => {
      assertClear(await house.polyarch(args, { cwd: scratch, env }), says, code);
    });
    assert.deepEqual(await stateOf(house, home), before);
  });

  test("in docker buildx's words, where it has some", async () => {
    const buildx = join((await unpackDocker("sid")).plugins[0] ?? "", "docker-buildx");
    const env = { ...house.env, DOCKER_HOST: "unix:///none.sock" };
    const errorIn = (text: string) => /^ERROR: (.*)$/m.exec(text)?.[1] ?? "";
    await forAll(
      [
        ["create", "--drvier", "remote"],
        ["create", "--driver", "nope"],
        ["create", "--name", "Bad Name!"],
        remote(),
        remote("http://x"),
        remote("--driver-opt", "cacert", "tcp://x:1"),
        remote("--driver-opt", "nope=1", "tcp://x:1"),
        remote("--platform", "amd46", "tcp://x:1"),
        remote("--platform", "linux/amd64/x/y", "tcp://x:1"),
        container("--buildkitd-flags", '--a "b'),
        ["create", "--append", "unix:///x"],
        ["create", "--leave"],
        ["use", "nobody"],
        ["rm", "--all-inactive", "x"],
        ["du", "--builder", "nobody"],
        ["prune", "-f", "--filter", "foo"],
        ["prune", "-f", "--reserved-space", "x"],
        ["build", "--load=perhaps", "."],
        ["build", "--ulimit", "x", "."],
        ["build", "-o", "type=", "."],
        ["imagetools", "inspect", "UPPER"],
        ["imagetools", "inspect", "127.0.0.1:1/x"],
        ["imagetools", "create", "x"],
        ["history", "inspect", "attachment", "nobody"],
      ],
      async (args) => {
        const [theirs, ours] = await Promise.all([
          run(buildx, args, { cwd: scratch, env }),
          run(house.commandLine([])[0] ?? "", args, { cwd: scratch, env }),
        ]);
        // We say more, or leave out where buildx keeps its files.
        const want = errorIn(theirs.stderr).replace(/: open \S+\/instances\/.*$/, "");
        assert.ok(want !== "" && errorIn(ours.stderr).startsWith(want), `${ours.stderr}\nbuildx: ${theirs.stderr}`);
        assert.equal(ours.code, theirs.code);
      },
    );
  });

  test("and nothing of what was refused goes on in the engine", () => house.settled());
});
