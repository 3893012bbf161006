import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseByteSize } from "./bytes.ts";
import { parseGoBool } from "./bool.ts";
import { parseGoInteger } from "./integer.ts";
import { parseGoDuration } from "./duration.ts";
import { goJson } from "./json.ts";
import { goJsonText } from "./json-text.ts";
import { goQuote } from "./quote.ts";

test("parseGoBool() takes Go's forms and no others", () => {
  for (const text of ["1", "t", "T", "TRUE", "true", "True"]) assert.equal(parseGoBool(text), true);
  for (const text of ["0", "f", "F", "FALSE", "false", "False"]) assert.equal(parseGoBool(text), false);
  for (const text of ["", "yes", "tRUE", "2"]) assert.equal(parseGoBool(text), undefined);
});

test("parseByteSize() counts in powers of 1024", () => {
  const cases: [string, number | undefined][] = [
    ["512", 512],
    ["64m", 64 * 1024 ** 2],
    ["1.5GiB", 1.5 * 1024 ** 3],
    ["2GB", 2 * 1024 ** 3],
    ["1 kb", 1024],
    ["10b", 10],
    ["abc", undefined],
    ["", undefined],
    ["-1", undefined],
    ["1x", undefined],
  ];
  for (const [text, want] of cases) assert.equal(parseByteSize(text), want, text);
});

test("parseGoDuration() adds up its parts", () => {
  const cases: [string, number | undefined][] = [
    ["20s", 20_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    ["-2ms", -2],
    ["0", 0],
    ["20", undefined],
    ["", undefined],
    ["1d", undefined],
  ];
  for (const [text, want] of cases) assert.equal(parseGoDuration(text), want, text);
});

test("goQuote() escapes what cannot be printed", () => {
  const cases: readonly [string, string][] = [
    ["plain é 日 😀", '"plain é 日 😀"'],
    ['a"b\\', '"a\\"b\\\\"'],
    ["\t\0\u007f", '"\\t\\x00\\x7f"'],
    ["\u00a0\ufeff", '"\\u00a0\\ufeff"'],
  ];
  for (const [text, want] of cases) assert.equal(goQuote(text), want);
});

test("goJson() escapes what HTML would mind", () => {
  assert.equal(goJson({ a: "<b>&\u2028" }), String.raw`{"a":"\u003cb\u003e\u0026\u2028"}`);
});

test("parseGoInteger() knows Go's bases", () => {
  const cases: [string, number | undefined][] = [
    ["0", 0],
    ["420", 420],
    ["0644", 0o644],
    ["0o644", 0o644],
    ["0x1A4", 420],
    ["0b11", 3],
    ["-7", -7],
    ["+7", 7],
    ["1_000", 1000],
    ["", undefined],
    ["08", undefined],
    ["1__0", undefined],
    ["ten", undefined],
    ["99999999999999999999", undefined],
  ];
  for (const [text, want] of cases) assert.equal(parseGoInteger(text), want, text);
});

suite("goJsonText()", () => {
  const value = { b: [1n, "<a>"], a: new Uint8Array([1]), none: undefined, empty: {}, list: [] };
  test("writes what JavaScript has no JSON for, in the order of the keys", () => {
    assert.equal(goJsonText(value), '{"b":[1,"\\u003ca\\u003e"],"a":"AQ==","empty":{},"list":[]}');
  });
  test("begins lines as json.MarshalIndent does", () => {
    const plain = { b: [1, { c: true }], empty: {}, list: [], none: null };
    assert.equal(goJsonText(plain, "  "), JSON.stringify(plain, null, 2));
  });
});
