import assert from "node:assert/strict";
import { test } from "node:test";
import { ghaSettings } from "./settings.ts";

const token = "t";

test("ghaSettings() chooses the version of the API as BuildKit does", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, string, 1 | 2])[] = [
    [{ url: "https://one" }, "https://one/", 1],
    [{ url: "https://one/", url_v2: "https://two/" }, "https://two/", 2],
    [{ url: "https://one/", url_v2: "https://two/", version: "1" }, "https://one/", 1],
    [{ url: "https://one/", version: "2" }, "https://one/", 2],
    [
      { url: "https://results-receiver.actions.githubusercontent.com/" },
      "https://results-receiver.actions.githubusercontent.com/",
      2,
    ],
  ];
  for (const [attributes, url, version] of cases) {
    const settings = ghaSettings({ token, ...attributes });
    assert.deepEqual([settings.url, settings.version], [url, version]);
  }
});

test("ghaSettings() refuses what makes no sense", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{}, /^token not set for github actions cache$/],
    [{ token }, /^url not set for github actions cache$/],
    [{ token, url: "https://one", version: "two" }, /^failed to parse api version "two", expected positive integer$/],
    [
      { token, url: "https://one", timeout: "soon" },
      /^failed to parse timeout for github actions cache: invalid duration "soon"$/,
    ],
    [{ token, url: "one" }, /^url of github actions cache is not a valid url: "one"$/],
  ];
  for (const [attributes, message] of cases) {
    assert.throws(() => ghaSettings(attributes), { code: "invalid_argument", message });
  }
});
