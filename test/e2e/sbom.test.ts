import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { BuildKitClient, connect, dialAddress } from "../../src/client/mod.ts";
import { image, marshal } from "../../src/llb/mod.ts";
import { normalizePlatform } from "../../src/oci/mod.ts";
import { installPackages, must, startEngine } from "../lab/mod.ts";
import { addGraph, leading } from "./gateway-client.ts";
import { openHouse } from "./harness.ts";

/* What is in a result: who finds out, what of, and what of that comes into images. */

const house = await openHouse();
const { host } = house.registry;
const native = process.arch === "arm64" ? "arm64" : "amd64";

/** What the scanner runs: it tells what it sees, and says of each tree what lies in its root. */
const script = `#!/bin/sh
set -e
echo "said: $0 $*"
echo "said: in $PWD as $(id -u) on $(uname -m)"
env | grep -E '^(BUILDKIT_SCAN|COLOUR)' | sort | sed 's/^/said: /'
for tree in $BUILDKIT_SCAN_SOURCE $BUILDKIT_SCAN_SOURCE_EXTRAS/sbom-*; do
  test -d "$tree" || continue
  test ! -e "$tree/fails" || exit 3
  ! touch "$tree/x" 2>/dev/null
  touch /tmp/x
  files=$(cd "$tree"; ls | sed 's/.*/{"fileName":"&"}/' | paste -sd, -)
  name=$(basename "$tree")
  printf '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","subject":null,"predicate":{"name":"%s","files":[%s]}}' \\
    "$name" "$files" > $BUILDKIT_SCAN_DESTINATION$name.spdx.json
done
`;
const scanner = `${host}/scanner:1`;
const scannerContext = await house.context({
  Dockerfile: `FROM ${house.base}
    COPY scan /bin/scan
    ENV COLOUR=green
    WORKDIR /work
    USER 1000
    ENTRYPOINT ["/bin/scan", "first"]
    CMD ["second"]
    `,
  scan: { text: script, mode: 0o755 },
});
await house.build(scannerContext, ["--push", "-t", scanner]);

const attest = (...attributes: string[]) =>
  `--attest=${["type=sbom", `generator=${scanner}`, ...attributes].join(",")}`;
/** What the scanner has said, of all scans. */
const saidIn = (log: string) => [...log.matchAll(/ said: (.*)$/gm)].map(([, line]) => line);

/** A predicate as far as tests look. */
interface Contents {
  readonly name: string;
  readonly files?: readonly { readonly fileName: string }[];
  readonly packages?: readonly {
    readonly name: string;
    readonly versionInfo?: string;
    readonly licenseDeclared?: string;
    readonly externalRefs?: readonly { readonly referenceLocator: string }[];
  }[];
  readonly creationInfo: { readonly created: string; readonly comment?: string };
}

interface Manifests {
  readonly manifests: readonly { readonly digest: string; readonly platform: { readonly architecture: string } }[];
  readonly layers: readonly { readonly digest: string; readonly annotations: Readonly<Record<string, string>> }[];
}
const raw = async (name: string) =>
  JSON.parse(await must("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${name}`])) as Manifests;

/** The statements of an image's attestation manifests, one list for each, as the registry has them. */
async function statements(repository: string): Promise<readonly (readonly string[])[]> {
  const { manifests } = await raw(`${host}/${repository}:latest`);
  const attestations = manifests.filter(({ platform }) => platform.architecture === "unknown");
  return await Promise.all(
    attestations.map(async ({ digest }) => {
      const { layers } = await raw(`${host}/${repository}@${digest}`);
      const types = layers.map(({ annotations }) => annotations["in-toto.io/predicate-type"]);
      assert.deepEqual(new Set(types), new Set(["https://spdx.dev/Document"]));
      return await Promise.all(
        layers.map(
          async (layer) => await (await fetch(`http://${host}/v2/${repository}/blobs/${layer.digest}`)).text(),
        ),
      );
    }),
  );
}

/** Lists of an image's contents: what lies in the roots of which trees. */
async function listed(repository: string): Promise<readonly Readonly<Record<string, string>>[]> {
  return (await statements(repository)).map((texts) =>
    Object.fromEntries(
      texts.map((text) => {
        const { predicate } = JSON.parse(text) as { predicate: Contents };
        return [predicate.name, predicate.files?.map(({ fileName }) => fileName).join(" ") ?? ""];
      }),
    ),
  );
}

const project = {
  Dockerfile: `ARG BUILDKIT_SBOM_SCAN_CONTEXT
    ARG BUILDKIT_SBOM_SCAN_STAGE
    FROM scratch AS tools
    COPY tool /
    FROM tools AS unused
    FROM scratch AS result
    COPY --from=tools /tool /tool-of-tools
    COPY word /
    `,
  word: "hello\n",
  tool: "1\n",
  unused: "2\n",
};

suite("a scanner that is an image", () => {
  test("is shown the result, and is told in its variables what to do", async () => {
    const context = await house.context(project);
    const args = [attest("GREETING=good day"), "--push", "-t", `${host}/told`];
    const { stderr } = await house.build(context, args);
    const machine = native === "amd64" ? "x86_64" : "aarch64";
    assert.deepEqual(saidIn(stderr), [
      "/bin/scan first second",
      `in /work as 0 on ${machine}`,
      "BUILDKIT_SCAN_DESTINATION=/run/out/",
      "BUILDKIT_SCAN_GREETING=good day",
      "BUILDKIT_SCAN_SOURCE=/run/src/core/sbom",
      "BUILDKIT_SCAN_type=sbom",
      "COLOUR=green",
    ]);
    assert.match(stderr, new RegExp(`\\[linux/${native}\\] generating sbom using ${scanner}$`, "m"));
    assert.deepEqual(await listed("told"), [{ sbom: "tool-of-tools word" }]);
    const { stderr: again } = await house.build(context, args);
    assert.deepEqual(saidIn(again), [], "the second time it is answered from the cache");
    await house.settled();
  });

  test("is shown stages and the context where the Dockerfile says so", async () => {
    const context = await house.context(project);
    const wishes = ["CONTEXT=true", "STAGE=tools,unused"].map((wish) => `--build-arg=BUILDKIT_SBOM_SCAN_${wish}`);
    const { stderr } = await house.build(context, [attest(), ...wishes, "--push", "-t", `${host}/stages`]);
    assert.ok(saidIn(stderr).includes("BUILDKIT_SCAN_SOURCE_EXTRAS=/run/src/extras"));
    assert.deepEqual(await listed("stages"), [
      { sbom: "tool-of-tools word", "sbom-context": "tool word", "sbom-tools": "tool" },
    ]);
  });

  test("looks through the results of all platforms", async () => {
    const context = await house.context({
      Dockerfile: "FROM scratch\nARG TARGETARCH\nCOPY word /$TARGETARCH\n",
      word: "x",
    });
    const platforms = `--platform=linux/${native},linux/s390x,linux/arm/v7`;
    await house.build(context, [attest(), platforms, "--push", "-t", `${host}/platforms`]);
    assert.deepEqual(await listed("platforms"), [{ sbom: native }, { sbom: "s390x" }, { sbom: "arm" }]);
  });

  test("need not look again where a cache from elsewhere has what it has written", async () => {
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY word /cached\n", word: "x" });
    const cache = `type=registry,ref=${host}/cache`;
    const { stderr } = await house.build(context, [attest(), `--cache-to=${cache}`]);
    assert.notDeepEqual(saidIn(stderr), []);
    await house.settled();
    const pruned = await house.polyarch(["prune", "--all", "--force"]);
    assert.equal(pruned.code, 0, pruned.stderr);
    const { stderr: again } = await house.build(context, [attest(), `--cache-from=${cache}`]);
    assert.deepEqual(saidIn(again), []);
  });

  test("that fails fails the build, as does one that has nothing to run, or is not there", async () => {
    const failing = await house.context({ Dockerfile: "FROM scratch\nCOPY word /fails\n", word: "x" });
    const { stderr } = await house.fails(failing, [attest()]);
    assert.match(stderr, /process "\/bin\/scan first second" did not complete successfully: exit code: 3/);
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY word /\n", word: "x" });
    await house.build(context, ["--push", "-t", `${host}/idle`]);
    const idle = await house.fails(context, [`--sbom=generator=${host}/idle`]);
    assert.match(idle.stderr, new RegExp(`ERROR: .*scanner ${host}/idle:latest does not have cmd`));
    const missing = await house.fails(context, [`--sbom=generator=${host}/missing`]);
    assert.match(missing.stderr, new RegExp(`${host}/missing:latest: not found`));
    const nothing = await house.fails(context, ["--attest=type=sbom,generator="]);
    assert.match(nothing.stderr, /sbom generator cannot be empty/);
  });
});

suite("builds that others lead", () => {
  test("by docker buildx have the same lists", async () => {
    const context = await house.context(project);
    const wish = "--build-arg=BUILDKIT_SBOM_SCAN_STAGE=true";
    const args = ["build", "--progress=plain", attest(), wish, "--push", "-t", `${host}/led`, context];
    const { code, stderr } = await house.buildx(args);
    assert.equal(code, 0, stderr);
    assert.deepEqual(await listed("led"), [{ sbom: "tool-of-tools word", "sbom-tools": "tool" }]);
    await house.settled();
  });

  test("by a client of its own, of plain graphs, have lists of what it returns", async () => {
    const address = `unix://${join(await house.directory(), "engine.sock")}`;
    await using _engine = await startEngine(["--addr", address]);
    await using client = new BuildKitClient(connect({ open: dialAddress(address) }));
    const state = image(scanner, { platform: normalizePlatform({ os: "linux", architecture: native }) });
    const FrontendAttrs = { "attest:sbom": `generator=${scanner}` };
    const exporter = (name: string) => [{ Type: "image", Attrs: { name: `${host}/${name}:latest`, push: "true" } }];
    const led = await leading(
      client,
      async (bridge, outcome) => {
        const ref = { id: await addGraph(bridge, state) };
        await bridge.return({ result: { result: { case: "ref", value: ref } } });
        await outcome;
      },
      { FrontendAttrs, Exporters: exporter("returned") },
    );
    await led.outcome;
    await client.solve({ Ref: "plain", FrontendAttrs, Definition: marshal(state), Exporters: exporter("plain") }, {});
    const root = "bin dev etc home proc root run sys tmp usr var work";
    assert.deepEqual(await listed("returned"), [{ sbom: root }]);
    assert.deepEqual(await listed("plain"), [{ sbom: root }]);
  });
});

suite("the engine's own scanner", () => {
  test("lists packages of Debian's, of Python's and of Go's, without running anything", async () => {
    const root = await house.context({
      Dockerfile: "FROM scratch\nCOPY . /\n",
      ".dockerignore": "Dockerfile\n",
      "app/node_modules/left-pad/package.json": JSON.stringify({
        name: "left-pad",
        version: "1.3.0",
        license: "WTFPL",
      }),
    });
    const packages = await installPackages(root, ["base-files", "python3-six:all", "golang-docker-credential-helpers"]);
    const { stderr } = await house.build(root, ["--sbom=true", "--push", "-t", `${host}/debian`]);
    assert.match(stderr, new RegExp(`\\[linux/${native}\\] generating sbom$`, "m"));
    const urls = [
      ...packages.map(
        ({ name, version, architecture }) =>
          `pkg:deb/debian/${name}@${version.replaceAll("+", "%2B")}?arch=${architecture}&distro=debian-12`,
      ),
      /^pkg:golang\/stdlib@1\.\d+(\.\d+)?$/,
      "pkg:npm/left-pad@1.3.0",
      "pkg:pypi/six@1.16.0",
    ];
    for (const inspect of [
      async () => (await house.polyarch(["imagetools", "inspect", "--format={{json .SBOM}}", `${host}/debian`])).stdout,
      async () => (await house.buildx(["imagetools", "inspect", "--format={{json .SBOM}}", `${host}/debian`])).stdout,
    ]) {
      const { SPDX } = JSON.parse(await inspect()) as { SPDX: Contents };
      const locators = (SPDX.packages ?? []).flatMap(({ externalRefs = [] }) =>
        externalRefs.map(({ referenceLocator }) => referenceLocator),
      );
      const found = [...new Set(locators)]; // there are two programs of Go's
      assert.equal(found.length, urls.length, found.join("\n"));
      for (const [at, url] of urls.entries()) {
        if (typeof url === "string") assert.equal(found[at]?.replace(/&upstream=.*/, ""), url);
        else assert.match(found[at] ?? "", url);
      }
      const licenses = SPDX.packages?.flatMap(({ name, licenseDeclared }) => (/six/.test(name) ? licenseDeclared : []));
      assert.deepEqual(licenses, ["MIT", "MIT"], "of Debian's package and of Python's");
    }
  });

  test("gives the same list for the same result, at whatever time", async () => {
    const status = "Package: one\nStatus: install ok installed\nVersion: 1.0\nArchitecture: all\n";
    const list = async (args: readonly string[]) => {
      const context = await house.context({ Dockerfile: "FROM scratch\nCOPY status /var/lib/dpkg/\n", status });
      const directory = await house.exported(context, ["--sbom=true", ...args]);
      return await readFile(join(directory, "sbom.spdx.json"), "utf8");
    };
    const dated = await list(["--build-arg=SOURCE_DATE_EPOCH=1700000000", "--no-cache"]);
    const { predicate } = JSON.parse(dated) as { predicate: Contents };
    assert.equal(predicate.creationInfo.created, "2023-11-14T22:13:20Z");
    assert.equal(await list(["--build-arg=SOURCE_DATE_EPOCH=1700000000", "--no-cache"]), dated);
    assert.equal(await list([]), await list([]));
  });

  test("looks through stages, too, and tells what it could not read", async () => {
    const context = await house.context({
      Dockerfile: `FROM scratch AS build
        ARG BUILDKIT_SBOM_SCAN_STAGE=true
        COPY package-lock.json word /
        FROM scratch
        COPY --from=build /word /var/lib/rpm/Packages
        `,
      "package-lock.json": JSON.stringify({ packages: { "node_modules/a": { version: "1.0.0" } } }),
      word: "x",
    });
    const { stderr } = await house.build(context, ["--sbom=true", "--push", "-t", `${host}/unread`]);
    const why = "/var/lib/rpm/Packages could not be read: only rpm databases that are SQLite's can be read";
    assert.ok(stderr.includes(`WARN: SBOM: ${why}`), stderr);
    const [[core = "", build = ""] = []] = await statements("unread");
    const contents = (text: string) => (JSON.parse(text) as { predicate: Contents }).predicate;
    assert.equal(contents(core).creationInfo.comment, why);
    assert.deepEqual([contents(build).name, contents(build).packages?.at(-1)?.name], ["sbom-build", "a"]);
  });

  test("cannot be told anything", async () => {
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY word /\n", word: "x" });
    const { stderr } = await house.fails(context, ["--attest=type=sbom,SELECT_CATALOGERS=x"]);
    assert.match(stderr, /the engine's own SBOM scanner has no parameter "SELECT_CATALOGERS": name a scanner that has/);
  });
});
