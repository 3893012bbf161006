import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { FlagTable } from "./flag.ts";
import { parseFlags, takesNext } from "./parse.ts";

const table = {
  tag: { kind: "array", short: "t", usage: "" },
  push: { kind: "bool", usage: "" },
  pull: { kind: "bool", usage: "" },
  quiet: { kind: "bool", short: "q", usage: "" },
  debug: { kind: "bool", short: "D", usage: "" },
  file: { kind: "string", short: "f", usage: "" },
  progress: { kind: "string", usage: "", default: "auto" },
  "add-host": { kind: "slice", usage: "" },
  "shm-size": { kind: "bytes", usage: "" },
  timeout: { kind: "duration", usage: "", default: "20s" },
  ulimit: { kind: "ulimit", usage: "" },
} satisfies FlagTable;
const parse = (...argv: string[]) => parseFlags(table, argv);

suite("parseFlags()", () => {
  test("takes values after a space and after an equals sign", () => {
    assert.deepEqual(parse("--tag", "a", "--tag=b=c", "-t", "d", "-te", "-t=f").values.tag, [
      "a",
      "b=c",
      "d",
      "e",
      "f",
    ]);
  });
  test("takes flags and arguments in any order, and everything after -- as arguments", () => {
    const { values, args } = parse(".", "--push", "-", "--", "--pull", "x");
    assert.equal(values.push, true);
    assert.equal(values.pull, false);
    assert.deepEqual(args, [".", "-", "--pull", "x"]);
  });
  test("never takes the next argument as a bool's value", () => {
    const { values, args } = parse("--push", "false");
    assert.equal(values.push, true);
    assert.deepEqual(args, ["false"]);
  });
  test("turns a bool off with =false, and the last one wins", () => {
    assert.equal(parse("--push", "--push=false").values.push, false);
    assert.equal(parse("-q=0").values.quiet, false);
  });
  test("reads a bundle of shorthands, of which the last may take a value", () => {
    const { values } = parse("-qDf", "Dockerfile.x");
    assert.deepEqual([values.quiet, values.debug, values.file], [true, true, "Dockerfile.x"]);
  });
  test("splits slices at commas and keeps arrays whole", () => {
    const { values } = parse("--add-host", "a:1,b:2", "--add-host=c:3", "--tag", "x,y");
    assert.deepEqual(values["add-host"], ["a:1", "b:2", "c:3"]);
    assert.deepEqual(values.tag, ["x,y"]);
  });
  test("gives defaults, and tells which flags were written", () => {
    const { values, given } = parse("--file=");
    assert.deepEqual(
      [values.progress, values.file, values.timeout, values["shm-size"]],
      ["auto", "", 20_000, undefined],
    );
    assert.deepEqual([...given], ["file"]);
  });
  test("reads sizes, durations and ulimits", () => {
    const { values } = parse(
      "--shm-size=64m",
      "--timeout",
      "1m",
      "--ulimit=nofile=1024",
      "--ulimit",
      "core=0:1",
      "--ulimit=nofile=5:6",
    );
    assert.equal(values["shm-size"], 64 * 1024 ** 2);
    assert.equal(values.timeout, 60_000);
    assert.deepEqual(values.ulimit, ["core=0:1", "nofile=5:6"]);
  });

  const refused: [string[], string | RegExp][] = [
    [["--frob"], "unknown flag: --frob"],
    [["--tga", "x"], "unknown flag: --tga\nDid you mean --tag?"],
    [["-Z"], "unknown shorthand flag: 'Z' in -Z"],
    [["-qZ"], "unknown shorthand flag: 'Z' in -qZ"],
    [["--tag"], "flag needs an argument: --tag"],
    [["-t"], "flag needs an argument: 't' in -t"],
    [["--=x"], "bad flag syntax: --=x"],
    [
      ["--push=maybe"],
      'invalid argument "maybe" for "--push" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [
      ["-q=maybe"],
      'invalid argument "maybe" for "-q, --quiet" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [["--shm-size=abc"], `invalid argument "abc" for "--shm-size" flag: invalid size: 'abc'`],
    [["--ulimit=nofile"], 'invalid argument "nofile" for "--ulimit" flag: invalid ulimit argument: nofile'],
    [["--timeout=1d"], /time: invalid duration "1d"/],
    [["--constructor"], "unknown flag: --constructor"],
  ];
  for (const [argv, message] of refused) {
    test(`refuses ${argv.join(" ")}`, () => assert.throws(() => parse(...argv), { name: "UsageError", message }));
  }
});

test("takesNext() knows which flags eat the argument after them", () => {
  for (const arg of ["--tag", "-t", "-qt"]) assert.equal(takesNext(table, arg), true, arg);
  for (const arg of ["--push", "-q", "--tag=x", "-tx", "-t=x", "--frob", "-Z"])
    assert.equal(takesNext(table, arg), false, arg);
});

test("parseFlags() leaves what follows the first argument alone, where that is another program's command line", () => {
  const { args, given } = parseFlags(
    { quiet: { kind: "bool", usage: "" } },
    ["--quiet", "image", "--quiet", "--", "-x"],
    {
      flagsFirst: true,
    },
  );
  assert.deepEqual(args, ["image", "--quiet", "--", "-x"]);
  assert.deepEqual([...given], ["quiet"]);
});
