import assert from "node:assert/strict";
import { closeSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import {
  addAddress,
  addLink,
  makeNetworkNamespace,
  type NetworkLink,
  networkLinks,
  removeLink,
  setLoopbackUp,
} from "./mod.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const network = () => readlinkSync("/proc/thread-self/ns/net");

test("a network namespace is filled from inside, and the thread is back in its own afterwards", { skip }, () => {
  const before = network();
  let inside = "";
  let found: readonly NetworkLink[] = [];
  let addresses = "";
  const fd = makeNetworkNamespace(() => {
    inside = network();
    setLoopbackUp();
    addLink({ index: 2, name: "eth0", kind: "bridge" });
    addAddress(2, "10.1.2.3/24");
    addAddress(2, "fd00::12:3/64");
    addLink({ index: 3, name: "gone", kind: "bridge" });
    removeLink("gone");
    assert.throws(() => removeLink("gone"), { code: "ENODEV" });
    found = networkLinks();
    addresses = readFileSync("/proc/thread-self/net/fib_trie", "utf8");
    addresses += readFileSync("/proc/thread-self/net/if_inet6", "utf8");
  });
  try {
    assert.equal(network(), before);
    assert.notEqual(inside, before);
    assert.equal(readlinkSync(`/proc/self/fd/${fd}`), inside);
    assert.deepEqual(found, [
      { index: 1, name: "lo", master: undefined },
      { index: 2, name: "eth0", master: undefined },
    ]);
    for (const address of ["127.0.0.1", "10.1.2.3", "fd000000000000000000000000120003 02 40"])
      assert.ok(addresses.includes(address), `${address} in ${addresses}`);
  } finally {
    closeSync(fd);
  }
});

test("what fails while a network namespace is filled is thrown, and the thread is back in its own", { skip }, () => {
  const before = network();
  assert.throws(
    () =>
      makeNetworkNamespace(() => {
        throw new Error("full");
      }),
    /^Error: full$/,
  );
  assert.equal(network(), before);
});
