import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { memoryTree } from "../../testing/mod.ts";
import { findPackages } from "../find-packages.ts";

const { signal } = new AbortController();
const path = "var/lib/rpm/rpmdb.sqlite";

/** A header as rpm keeps it: texts and numbers by tag. */
function headerOf(values: Readonly<Record<number, string | number>>): Buffer {
  const index: Buffer[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [tag, value] of Object.entries(values)) {
    const bytes = typeof value === "string" ? Buffer.from(`${value}\0`) : Buffer.alloc(4);
    if (typeof value === "number") bytes.writeUInt32BE(value);
    const entry = Buffer.alloc(16);
    entry.writeUInt32BE(Number(tag), 0);
    entry.writeUInt32BE(typeof value === "string" ? 6 : 4, 4);
    entry.writeUInt32BE(offset, 8);
    entry.writeUInt32BE(1, 12);
    index.push(entry);
    data.push(bytes);
    offset += bytes.length;
  }
  const counts = Buffer.alloc(8);
  counts.writeUInt32BE(index.length, 0);
  counts.writeUInt32BE(offset, 4);
  return Buffer.concat([counts, ...index, ...data]);
}

/** The bytes of an SQLite database with these packages. */
async function databaseOf(t: TestContext, headers: readonly Buffer[], pageBytes = 4096): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-rpm-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, "rpmdb.sqlite");
  using database = new DatabaseSync(file);
  database.exec(`PRAGMA page_size = ${pageBytes}`);
  database.exec("CREATE TABLE 'Name' (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)");
  database.exec("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)");
  const insert = database.prepare("INSERT INTO Packages (blob) VALUES (?)");
  for (const header of headers) insert.run(header);
  return await readFile(file);
}

const bash = {
  1000: "bash",
  1001: "5.2.26",
  1002: "3.fc40",
  1022: "x86_64",
  1011: "Fedora Project",
  1014: "GPL-3.0-or-later",
};

test("packages of rpm's, as SQLite keeps them", async (t) => {
  const headers = [
    headerOf({ ...bash, 1044: "bash-5.2.26-3.fc40.src.rpm", 1020: "https://www.gnu.org/software/bash" }),
    headerOf({ 1000: "gpg-pubkey", 1001: "a15b79cc", 1002: "63d04c2c" }),
    headerOf({ 1000: "shadow-utils", 1001: "4.15.1", 1002: "2.fc40", 1003: 2, 1022: "x86_64" }),
  ];
  const tree = memoryTree({ "etc/os-release": "ID=fedora\nVERSION_ID=40\n", [path]: await databaseOf(t, headers) });
  const { packages, unread } = await findPackages(tree, { signal });
  assert.deepEqual(unread, []);
  assert.deepEqual(
    packages.map(({ version, url, supplier, license }) => [version, url, supplier, license]),
    [
      [
        "5.2.26-3.fc40",
        "pkg:rpm/fedora/bash@5.2.26-3.fc40?arch=x86_64&distro=fedora-40&upstream=bash-5.2.26-3.fc40.src.rpm",
        "Fedora Project",
        "GPL-3.0-or-later",
      ],
      [
        "2:4.15.1-2.fc40",
        "pkg:rpm/fedora/shadow-utils@4.15.1-2.fc40?arch=x86_64&distro=fedora-40&epoch=2",
        undefined,
        undefined,
      ],
    ],
  );
});

test("databases of many pages, and rows that are longer than a page", async (t) => {
  const headers = Array.from({ length: 300 }, (_, at) =>
    headerOf({ ...bash, 1000: `p${at}`, 1004: "x".repeat((at * 997) % 20_000) }),
  );
  for (const pageBytes of [512, 4096, 65536]) {
    const tree = memoryTree({ [path]: await databaseOf(t, headers, pageBytes) });
    const { packages, unread } = await findPackages(tree, { signal });
    assert.deepEqual(unread, []);
    assert.equal(packages.length, 300, `pages of ${pageBytes} bytes`);
  }
});

test("databases that are broken end in an error, wherever they are", async (t) => {
  const whole = await databaseOf(
    t,
    Array.from({ length: 40 }, (_, at) => headerOf({ ...bash, 1000: `p${at}`, 1004: "x".repeat(3000) })),
  );
  let broken = 0;
  for (let at = 0; at < whole.length; at += 211) {
    const bytes = Buffer.from(whole);
    bytes.fill(0xff, at, at + 8);
    broken += (await findPackages(memoryTree({ [path]: bytes }), { signal })).unread.length;
    const cut = memoryTree({ [path]: whole.subarray(0, at) });
    broken += (await findPackages(cut, { signal })).unread.length;
  }
  assert.ok(broken > 100, `${broken} were found broken`);
});
