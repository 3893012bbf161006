import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync, linkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { encodeEntry, endOfArchive, paddingOf, pathFromBytes, type TarEntry, TarError, TarParser } from "./mod.ts";
import { decodePax, encodePax, formatPaxTime, parsePaxTime } from "./pax.ts";

const base: TarEntry = { name: "f", type: "file", mode: 0o644, uid: 0, gid: 0, size: 0, mtimeSec: 1, mtimeNsec: 0 };
const capability = Uint8Array.of(1, 0, 0, 2, 0xff, 0xfe, 0, 10, 0x3d, 0x80);

const entries: readonly TarEntry[] = [
  { ...base, name: "dir/", type: "dir", mode: 0o1777 },
  { ...base, name: `${"d".repeat(90)}/${"f".repeat(99)}`, size: 3 },
  { ...base, name: `${"é".repeat(120)}/ü`, size: 700 },
  { ...base, name: "x".repeat(300), size: 512 },
  { ...base, name: "big-ids", uid: 4_000_000_000, gid: 2_097_152 },
  { ...base, name: "old", mtimeSec: -2, mtimeNsec: 500_000_000 },
  { ...base, name: "exact", mtimeSec: 1_700_000_000, mtimeNsec: 123_456_789 },
  {
    ...base,
    name: "cap",
    mode: 0o4755,
    xattrs: { "security.capability": capability, "user.a b\n": new Uint8Array(0) },
  },
  { ...base, name: "link", type: "symlink", linkname: `../${"t".repeat(150)}` },
  { ...base, name: "hard", type: "hardlink", linkname: "big-ids" },
  { ...base, name: "null", type: "char", devMajor: 1, devMinor: 3 },
  { ...base, name: "sda", type: "block", devMajor: 8, devMinor: 1_048_575 },
  { ...base, name: "pipe", type: "fifo" },
  { ...base, name: pathFromBytes(Buffer.from([0x61, 0xff, 0xc3, 0x28, 0x62])), size: 1 },
];

test("every kind of entry comes back as it went in, however the archive is cut", () => {
  const archive = archiveOf(entries);
  for (const step of [1, 7, 511, 512, 513, 10_000, archive.length]) {
    assert.deepEqual(parse(archive, step).entries, entries.map(normal), `pieces of ${step} bytes`);
  }
});

test("the same entry always gives the same bytes, whatever order its xattrs were named in", () => {
  const xattrs = { "user.b": Uint8Array.of(1), "user.a": Uint8Array.of(2) };
  const swapped = { "user.a": Uint8Array.of(2), "user.b": Uint8Array.of(1) };
  assert.deepEqual(encodeEntry({ ...base, xattrs }), encodeEntry({ ...base, xattrs: swapped }));
});

test("PAX is used only where ustar cannot say it", () => {
  assert.equal(encodeEntry(base).length, 512);
  assert.equal(encodeEntry({ ...base, name: `${"d".repeat(150)}/${"f".repeat(100)}` }).length, 512);
  assert.equal(encodeEntry({ ...base, mtimeNsec: 1 }).length, 3 * 512);
});

test("contents come in pieces, with the offset of the first byte", () => {
  const archive = archiveOf([
    { ...base, name: "a", size: 5 },
    { ...base, name: "b", size: 1000 },
  ]);
  const { files } = parse(archive, 300);
  for (const { offset, content } of files) {
    assert.deepEqual(archive.subarray(offset, offset + content.length), content);
  }
  assert.deepEqual(
    files.map(({ content }) => content.length),
    [5, 1000],
  );
});

suite("archives that GNU tar wrote", () => {
  for (const format of ["v7", "oldgnu", "gnu", "ustar", "pax"]) {
    test(`--format=${format}`, (t) => {
      const dir = mkdtempSync(join(tmpdir(), "tar-"));
      t.after(() => rmSync(dir, { recursive: true }));
      const long = format === "v7" || format === "ustar" ? "short" : `${"p".repeat(60)}/${"q".repeat(90)}`;
      mkdirSync(join(dir, long), { recursive: true });
      writeFileSync(join(dir, long, "file"), "hello");
      utimesSync(join(dir, long, "file"), 1_600_000_000, 1_600_000_000);
      linkSync(join(dir, long, "file"), join(dir, "z-hard"));
      symlinkSync("target", join(dir, "sym"));
      const names = `${long}/file sym z-hard`.split(" ");
      const archive = execFileSync("tar", ["--format", format, "-C", dir, "--owner=7:7", "-c", ...names]);
      const got = parse(archive, 1000);
      assert.deepEqual(
        got.entries.map(({ name, type, linkname, uid }) => [name, type, linkname, uid]),
        [
          [`${long}/file`, "file", undefined, 7],
          ["sym", "symlink", "target", 7],
          ["z-hard", "hardlink", `${long}/file`, 7],
        ],
      );
      assert.equal(got.entries[0]?.mtimeSec, 1_600_000_000);
      assert.equal(got.files[0]?.content.toString(), "hello");
    });
  }

  test("names of more than 255 bytes and sizes in base-256", (t) => {
    const dir = mkdtempSync(join(tmpdir(), "tar-"));
    t.after(() => rmSync(dir, { recursive: true }));
    const long = `${"a".repeat(200)}/${"b".repeat(200)}`;
    mkdirSync(join(dir, "a".repeat(200)));
    writeFileSync(join(dir, long), "x");
    const archive = execFileSync("tar", ["--format=gnu", "-C", dir, "--owner=3000000", "-c", long]);
    const [entry] = parse(archive, 512).entries;
    assert.equal(entry?.name, long);
    assert.equal(entry?.uid, 3_000_000);
  });
});

test("GNU tar reads what we write", () => {
  const archive = archiveOf(entries.filter(({ type }) => type !== "char" && type !== "block"));
  const listing = execFileSync("tar", ["-tvf", "-", "--numeric-owner", "--quoting-style=literal"], {
    input: archive,
    encoding: "utf8",
  });
  assert.match(listing, /hard link to big-ids/);
  assert.match(listing, /4000000000\/2097152/);
  assert.match(listing, new RegExp(`${"d".repeat(90)}/${"f".repeat(99)}`));
  assert.match(listing, new RegExp(`${"é".repeat(120)}/ü`));
});

test("an xattr whose name PAX cannot say is refused, not mangled", () => {
  assert.throws(() => encodeEntry({ ...base, xattrs: { "user.a=b": Uint8Array.of(1) } }), /user.a=b/);
});

suite("what is no archive is refused", () => {
  const archive = archiveOf([{ ...base, name: "a", size: 1000 }]);
  const pax = (data: Buffer): Buffer =>
    Buffer.concat([
      header({ typeflag: "x", size: data.length }),
      data,
      Buffer.alloc(paddingOf(data.length)),
      encodeEntry(base),
    ]);
  const cases: readonly [name: string, bytes: Buffer, message: RegExp][] = [
    ["cut in the first header", archive.subarray(0, 300), /not a tar archive/],
    ["cut in a header", Buffer.concat([archive.subarray(0, -1024), archive.subarray(0, 100)]), /unexpected EOF/],
    ["cut in a content", archive.subarray(0, 1000), /unexpected EOF/],
    ["noise", Buffer.alloc(512, 0x41), /not a tar archive: invalid tar header/],
    ["a wrong checksum", flipped(archive, 100), /checksum/],
    ["a record that ends too late", pax(Buffer.from("99 path=x\n")), /malformed PAX/],
    ["a record without a newline", pax(Buffer.from("9 path=xy")), /malformed PAX/],
    ["a PAX header without end", header({ typeflag: "x", size: 0o77777777777 }), /too large/],
    ["a negative size", pax(Buffer.from("11 size=-1\n")), /malformed number|malformed PAX/],
    ["a time that is none", pax(encodePax([["mtime", "yesterday"]])), /malformed time/],
    ["a NUL in a name", pax(encodePax([["path", "a\0b"]])), /NUL/],
    ["a sparse file of GNU", header({ typeflag: "S" }), /sparse/],
    ["a sparse file of PAX", pax(encodePax([["GNU.sparse.major", "1"]])), /sparse/],
    ["an unknown type", header({ typeflag: "M" }), /unhandled tar header type/],
  ];
  for (const [name, bytes, message] of cases) {
    test(name, () => {
      assert.throws(
        () => parse(bytes, 512),
        (error) => error instanceof TarError && message.test(error.message),
      );
    });
  }
  test("an empty file is an empty archive, and the zero blocks at the end may be missing", () => {
    assert.deepEqual(parse(Buffer.alloc(0), 1).entries, []);
    assert.equal(parse(archive.subarray(0, -1024), 512).entries.length, 1);
  });
});

test("PAX records hold any bytes, and count their own length", () => {
  for (const length of [0, 1, 3, 4, 5, 90, 91, 92, 93, 987, 988, 989, 990, 9_999]) {
    const value = Buffer.alloc(length, 0x0a);
    const encoded = encodePax([["key", value]]);
    assert.deepEqual(Buffer.from(decodePax(encoded).get("key") ?? [1]), value);
    assert.equal(Number.parseInt(encoded.toString("latin1")), encoded.length);
  }
});

test("PAX times keep nanoseconds, before 1970 as well", () => {
  for (const [text, sec, nsec] of [
    ["1.5", 1, 500_000_000],
    ["-1.5", -2, 500_000_000],
    ["-0.000000001", -1, 999_999_999],
    ["12", 12, 0],
    ["-3", -3, 0],
  ] as const) {
    assert.deepEqual(parsePaxTime(text), { sec, nsec });
    assert.equal(formatPaxTime(sec, nsec), text);
  }
});

function normal(entry: TarEntry): TarEntry {
  const { xattrs, ...rest } = entry;
  if (!xattrs) return rest;
  return {
    ...rest,
    xattrs: Object.fromEntries(Object.entries(xattrs).map(([key, value]) => [key, new Uint8Array(value)])),
  };
}

function archiveOf(list: readonly TarEntry[]): Buffer {
  const parts = list.flatMap((entry) => {
    const size = entry.type === "file" ? entry.size : 0;
    return [encodeEntry(entry), Buffer.alloc(size, entry.name.charCodeAt(0) & 0x7f), Buffer.alloc(paddingOf(size))];
  });
  return Buffer.concat([...parts, endOfArchive]);
}

function parse(archive: Buffer, step: number) {
  const found: TarEntry[] = [];
  const files: { offset: number; content: Buffer }[] = [];
  const parser = new TarParser({
    entry(entry, offset) {
      found.push(entry);
      if (entry.type === "file" && entry.size > 0) files.push({ offset, content: Buffer.alloc(0) });
    },
    data(chunk) {
      const file = files.at(-1);
      if (file) file.content = Buffer.concat([file.content, chunk]);
    },
    end: () => undefined,
  });
  for (let at = 0; at < archive.length; at += step) parser.push(archive.subarray(at, at + step));
  parser.finish();
  return { entries: found, files };
}

/** A header with fields as given and a right checksum. */
function header(fields: { typeflag: string; size?: number }): Buffer {
  const block = Buffer.from(encodeEntry(base));
  block.write((fields.size ?? 0).toString(8).padStart(11, "0"), 124, "latin1");
  block.write(fields.typeflag, 156, "latin1");
  block.write("        ", 148, "latin1");
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0`,
    148,
    "latin1",
  );
  return block;
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
