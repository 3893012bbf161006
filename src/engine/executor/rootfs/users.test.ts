import assert from "node:assert/strict";
import { test } from "node:test";
import { findUser } from "./users.ts";

const files = {
  passwd:
    "# people\nroot:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nbroken\nada:x:1000:100:Ada:/home/ada:/bin/sh\n12:x:77:77::/twelve:\n",
  group: "root:x:0:\nwheel:x:10:root,ada\nusers:x:100:\ndialout:x:20:ada,bob\n",
};

for (const [text, uid, gid, additionalGids, home] of [
  ["", 0, 0, [10], "/root"],
  ["root", 0, 0, [10], "/root"],
  ["ada", 1000, 100, [10, 20], "/home/ada"],
  ["1000", 1000, 100, [10, 20], "/home/ada"],
  ["ada:wheel", 1000, 10, [], "/home/ada"],
  ["ada:4711", 1000, 4711, [], "/home/ada"],
  ["4711", 4711, 0, [], "/"],
  ["4711:users", 4711, 100, [], "/"],
  ["4711:12", 4711, 12, [], "/"],
  ["12", 77, 77, [], "/twelve"],
  [":users", 0, 100, [], "/root"],
] as const) {
  test(`findUser() reads "${text}" as BuildKit does`, () => {
    assert.deepEqual(findUser(text, files), { uid, gid, additionalGids, home });
  });
}

test("findUser() needs no files for numbers and for root", () => {
  const none = { passwd: "", group: "" };
  assert.deepEqual(findUser("", none), { uid: 0, gid: 0, additionalGids: [], home: "/" });
  assert.deepEqual(findUser("5:6", none), { uid: 5, gid: 6, additionalGids: [], home: "/" });
});

for (const [text, message] of [
  ["eve", "unable to find user eve: no matching entries in passwd file"],
  ["ada:eve", "unable to find group eve: no matching entries in group file"],
  ["4294967296", "uids and gids must be in range 0-2147483647: 4294967296"],
] as const) {
  test(`findUser() refuses "${text}" in words that people search for`, () => {
    assert.throws(() => findUser(text, files), { code: "invalid_argument", message });
  });
}
