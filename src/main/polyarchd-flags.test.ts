import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseEngineFlags } from "./polyarchd-flags.ts";

const flagsOf = (...argv: string[]) => {
  const command = parseEngineFlags(argv);
  assert.equal(command.type, "run");
  return command.type === "run" ? command.flags : assert.fail();
};

suite("parseEngineFlags()", () => {
  test("takes what people and docker buildx give to buildkitd", () => {
    const flags = flagsOf(
      ..."--config /etc/buildkit/buildkitd.toml --allow-insecure-entitlement=network.host --debug".split(" "),
      ..."--addr unix:///run/buildkit/buildkitd.sock --addr=tcp://0.0.0.0:1234 --tlscacert ca --tlscert c --tlskey=k".split(
        " ",
      ),
      ..."--oci-worker=true --containerd-worker=false --oci-worker-snapshotter auto --oci-worker-gc=false --oci-worker-net host".split(
        " ",
      ),
      ..."--oci-worker-platform linux/amd64,linux/arm64 --oci-worker-labels a=b --oci-max-parallelism 0 --idle-timeout 1m --debugaddr :6060 --otel-socket-path /x.sock".split(
        " ",
      ),
    );
    assert.equal(flags.config, "/etc/buildkit/buildkitd.toml");
    assert.deepEqual(flags.entitlements, ["network.host"]);
    assert.equal(flags.networkMode, "host");
    assert.equal(flags.debug, true);
    assert.deepEqual(flags.addresses, ["unix:///run/buildkit/buildkitd.sock", "tcp://0.0.0.0:1234"]);
    assert.equal(flags.debugAddress, ":6060");
    assert.equal(flags.traceSocket, "/x.sock");
    assert.deepEqual([flags.tlsCa, flags.tlsCert, flags.tlsKey], ["ca", "c", "k"]);
    assert.deepEqual([flags.platforms, flags.labels], [["linux/amd64", "linux/arm64"], ["a=b"]]);
    assert.deepEqual([flags.maxParallelism, flags.idleTimeoutMs, flags.gc], [0, 60_000, false]);
    assert.deepEqual(Object.fromEntries(flags.fixed ?? []), {
      "oci-worker": "true",
      "containerd-worker": "false",
      "oci-worker-snapshotter": "auto",
    });
  });
  test("tells what was written from what was not", () => {
    const { fixed, withoutEffect: none, ...rest } = flagsOf();
    assert.deepEqual([fixed?.size, none], [0, []]);
    assert.deepEqual(new Set(Object.values(rest)), new Set([undefined]));
    assert.equal(flagsOf("--debug=false").debug, false);
    const { withoutEffect } = flagsOf("--containerd-worker-addr", "/x", "--containerd-worker-gc=false");
    assert.deepEqual(withoutEffect, ["containerd-worker-addr", "containerd-worker-gc"]);
    assert.equal(flagsOf("--oci-worker-binary=/opt/runc").runtime, "/opt/runc");
    assert.equal(flagsOf("--oci-worker-selinux").fixed?.get("oci-worker-selinux"), "true");
  });
  const refused: [string[], RegExp][] = [
    [
      ["--oci-worker-proxy-snapshotter-path=/x"],
      /^--oci-worker-proxy-snapshotter-path is not supported by this engine/,
    ],
    [["--containerd-worker-adr", "/x"], /^unknown flag: --containerd-worker-adr/],
    [["--oci-cni-pool-size=-3"], /invalid --oci-cni-pool-size -3/],
    [["--adr", "x"], /^unknown flag: --adr\nDid you mean --addr\?/],
    [["--oci-max-parallelism=-1"], /invalid --oci-max-parallelism -1/],
    [["--idle-timeout=soon"], /time: invalid duration "soon"/],
    [["start"], /takes no arguments, got "start"/],
  ];
  for (const [argv, message] of refused) {
    test(`refuses ${argv.join(" ")}`, () =>
      assert.throws(() => parseEngineFlags(argv), { name: "UsageError", message }));
  }
});
