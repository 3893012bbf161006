import assert from "node:assert/strict";
import { test } from "node:test";
import { refusesKind } from "./manifest-refused-error.ts";

for (const [status, message, want] of [
  [400, "400 Bad Request: manifest invalid: manifest invalid", true],
  [415, "415 Unsupported Media Type", true],
  [404, "404 Not Found: 404 page not found", true],
  [405, "405 Method Not Allowed: unsupported: The operation is unsupported.", true],
  [500, "500 Internal Server Error: unknown: unsupported manifest media type", true],
  [500, "500 Internal Server Error: unknown: database is locked", false],
  [400, "400 Bad Request: manifest blob unknown: blob unknown to registry", false],
  [400, "400 Bad Request: tag invalid: The tag 1 is immutable", false],
  [400, "400 Bad Request: bad luck", false],
  [404, "404 Not Found: name unknown: repository name not known to registry", false],
  [403, "403 Forbidden: denied: requested access to the resource is denied", false],
  [422, "422 Unprocessable Entity: quota exceeded, media type", false],
] as const) {
  test(`${message} is ${want ? "" : "not "}about the kind of manifest`, () => {
    assert.equal(refusesKind(status, message), want);
  });
}
