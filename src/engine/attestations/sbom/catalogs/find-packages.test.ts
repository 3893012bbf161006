import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryTree } from "../testing/mod.ts";
import { findPackages } from "./find-packages.ts";

const { signal } = new AbortController();
const find = (contents: Readonly<Record<string, string | Uint8Array>>) =>
  findPackages(memoryTree(contents), { signal });
const urls = async (contents: Readonly<Record<string, string | Uint8Array>>) =>
  (await find(contents)).packages.map(({ url }) => url);

const bookworm = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n`;
const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.36-9+deb12u7
Conffiles:
 /etc/ld.so.conf.d/x86_64-linux-gnu.conf d4e7a7b88a71b5ffd9e2644e71a0cfab
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Homepage: https://www.gnu.org/software/libc/libc.html
Description: GNU C Library: Shared libraries
 Version: 0

Package: vim
Status: deinstall ok config-files
Architecture: amd64
Version: 2:9.0.1378-2

Package: gcc-12-base
Status: hold ok installed
Architecture: amd64
Source: gcc-12 (1:12.2.0)
Version: 12.2.0-14
`;

test("packages of Debian's are those that dpkg has installed", async () => {
  const { distribution, packages, unread } = await find({
    "usr/lib/os-release": bookworm,
    "var/lib/dpkg/status": status,
    "usr/share/doc/libc6/copyright":
      "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: LGPL-2.1+\n",
  });
  assert.deepEqual(distribution, { id: "debian", version: "12", name: "Debian GNU/Linux 12 (bookworm)" });
  assert.deepEqual(unread, []);
  assert.deepEqual(
    packages.map(({ name, version, url }) => [name, version, url]),
    [
      [
        "gcc-12-base",
        "12.2.0-14",
        "pkg:deb/debian/gcc-12-base@12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12%401:12.2.0",
      ],
      ["libc6", "2.36-9+deb12u7", "pkg:deb/debian/libc6@2.36-9%2Bdeb12u7?arch=amd64&distro=debian-12&upstream=glibc"],
    ],
  );
  const [, libc] = packages;
  assert.deepEqual(libc?.license, ["LGPL-2.1-or-later"]);
  assert.equal(libc.supplier, "GNU Libc Maintainers <debian-glibc@lists.debian.org>");
  assert.equal(libc.homepage, "https://www.gnu.org/software/libc/libc.html");
  assert.equal(libc.foundIn, "var/lib/dpkg/status");
});

test("packages of Debian's are found where no dpkg is", async () => {
  const found = await urls({
    "var/lib/dpkg/status.d/base": "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n",
    "var/lib/dpkg/status.d/base.md5sums": "Package: nothing\nVersion: 1\n",
    "home/var/lib/dpkg/status": status,
  });
  assert.deepEqual(found, ["pkg:deb/debian/base-files@12.4?arch=amd64"]);
});

test("packages of Alpine's", async () => {
  const installed = `C:Q1xyz=
P:busybox
V:1.36.1-r2
A:x86_64
T:Size optimized toolbox
U:https://busybox.net/
L:GPL-2.0-only
o:busybox
m:Natanael Copa <ncopa@alpinelinux.org>
F:bin
R:busybox
P:no

P:ssl_client
V:1.36.1-r2
A:x86_64
o:busybox
`;
  const { packages } = await find({
    "etc/os-release": "ID=alpine\nVERSION_ID=3.18.4\n",
    "lib/apk/db/installed": installed,
  });
  assert.deepEqual(
    packages.map(({ url, license }) => [url, license]),
    [
      ["pkg:apk/alpine/busybox@1.36.1-r2?arch=x86_64&distro=alpine-3.18.4", "GPL-2.0-only"],
      ["pkg:apk/alpine/ssl_client@1.36.1-r2?arch=x86_64&distro=alpine-3.18.4&upstream=busybox", undefined],
    ],
  );
});

test("packages of npm's are those that are installed, or else those that lock files name", async () => {
  const manifest = (name: string, more: object = {}) => JSON.stringify({ name, version: "1.0.0", ...more });
  const lock = JSON.stringify({
    lockfileVersion: 3,
    packages: {
      "": { name: "project", version: "0.0.0" },
      "node_modules/@a/b": { version: "2.0.0", license: "MIT" },
      "node_modules/@a/b/node_modules/c": { version: "3.0.0" },
      "node_modules/alias": { name: "real", version: "4.0.0" },
      "node_modules/here": { resolved: "packages/here", link: true },
      "packages/here": { version: "5.0.0" },
    },
  });
  const oldLock = JSON.stringify({
    lockfileVersion: 1,
    dependencies: { x: { version: "1.0.0", dependencies: { y: { version: "2.0.0" } } } },
  });
  const installed = {
    "app/package.json": manifest("project"),
    "app/package-lock.json": lock,
    "app/node_modules/@scope/one/package.json": manifest("@scope/one", { license: { type: "ISC" } }),
    "app/node_modules/one/lib/package.json": manifest("inner"),
    "app/node_modules/one/node_modules/two/package.json": manifest("two", { licenses: [{ type: "MIT" }, "X"] }),
    "app/node_modules/one/node_modules/two/package-lock.json": lock,
    "app/node_modules/broken/package.json": "{",
    "app/node_modules/nameless/package.json": "[]",
  };
  const { packages, unread } = await find(installed);
  assert.deepEqual(
    packages.map(({ url, license }) => [url, license]),
    [
      ["pkg:npm/%40scope/one@1.0.0", "ISC"],
      ["pkg:npm/two@1.0.0", "MIT OR X"],
    ],
  );
  assert.deepEqual(
    unread.map(({ path }) => path),
    ["app/node_modules/broken/package.json"],
  );
  const locked = ["pkg:npm/%40a/b@2.0.0", "pkg:npm/c@3.0.0", "pkg:npm/real@4.0.0"];
  assert.deepEqual(await urls({ "package-lock.json": lock, "package.json": "{}" }), locked);
  assert.deepEqual(await urls({ "old/npm-shrinkwrap.json": oldLock }), ["pkg:npm/x@1.0.0", "pkg:npm/y@2.0.0"]);
});

test("packages of Python's", async () => {
  const site = "usr/lib/python3/site-packages/";
  const { packages } = await find({
    [`${site}Foo_Bar-1.2.dist-info/METADATA`]:
      "Metadata-Version: 2.4\r\nName: Foo_Bar\r\nVersion: 1.2\r\nLicense-Expression: MIT\r\nLicense: other\r\nHome-page: UNKNOWN\r\n\r\nName: no\r\n",
    [`${site}old-0.1.egg-info`]: "Name: old\nVersion: 0.1\nAuthor: Jane\nAuthor-email: jane@example.com\n",
    [`${site}egg.egg-info/PKG-INFO`]: "Name: egg\nVersion: 3\n",
    [`${site}egg.egg-info/SOURCES.txt`]: "Name: no\nVersion: 3\n",
  });
  assert.deepEqual(
    packages.map(({ url, license, supplier }) => [url, license, supplier]),
    [
      ["pkg:pypi/egg@3", undefined, undefined],
      ["pkg:pypi/foo-bar@1.2", "MIT", undefined],
      ["pkg:pypi/old@0.1", undefined, "Jane <jane@example.com>"],
    ],
  );
});

test("what cannot be read is told, and hides nothing else", async () => {
  const found = await find({
    "var/lib/rpm/Packages": "Berkeley",
    "usr/lib/sysimage/rpm/rpmdb.sqlite": "short",
    "var/lib/dpkg/status": status,
  });
  assert.equal(found.packages.length, 2);
  assert.deepEqual(found.unread, [
    { path: "usr/lib/sysimage/rpm/rpmdb.sqlite", why: "it is no SQLite database" },
    { path: "var/lib/rpm/Packages", why: "only rpm databases that are SQLite's can be read" },
  ]);
});

test("an empty tree has nothing in it", async () => {
  assert.deepEqual(await find({}), { distribution: undefined, packages: [], unread: [] });
});
