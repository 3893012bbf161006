import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formChangeWarning,
  ManifestRefusedError,
  refusesKind,
  registryOfFormChange,
} from "./manifest-refused-error.ts";

for (const [status, message, want] of [
  [400, "400 Bad Request: manifest invalid: manifest invalid", true],
  [415, "415 Unsupported Media Type", true],
  [404, "404 Not Found: 404 page not found", true],
  [405, "405 Method Not Allowed: unsupported: The operation is unsupported.", true],
  [500, "500 Internal Server Error: unknown: unsupported manifest media type", true],
  [500, "500 Internal Server Error: unknown: database is locked", false],
  [405, "405 Method Not Allowed: unsupported: Invalid parameter at 'ImageManifest' failed to satisfy constraint", true],
  [500, "500 Internal Server Error: unknown: Manifest.list is not supported.", true],
  [
    500,
    "unexpected status from PUT request to http://r/v2/quota/manifests/1: 500 Internal Server Error: unknown: unknown",
    true,
  ],
  [400, "unexpected status from PUT request to http://r/v2/media-type/manifests/1: 400 Bad Request: bad luck", false],
  [500, "500 Internal Server Error", true],
  [400, "400 Bad Request", true],
  [503, "503 Service Unavailable: unknown: unsupported", false],
  [507, "507 Insufficient Storage", false],
  [412, "412 Precondition Failed: manifest unknown", false],
  [400, "400 Bad Request: tag invalid: The image tag '1' already exists and cannot be overwritten", false],
  [405, "405 Method Not Allowed: unsupported: this registry is read-only", false],
  [404, "404 Not Found: name unknown: The repository with name 'a' does not exist in the registry", false],
  [429, "429 Too Many Requests", false],
  [401, "401 Unauthorized", false],
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

for (const [change, want, flags] of [
  [
    { format: true, attestations: false, annotations: false },
    "does not take application/vnd.oci.x: the image was pushed in Docker's older format",
    "-o type=image,oci-mediatypes=false,push=true",
  ],
  [
    { format: true, attestations: true, annotations: true },
    "does not take application/vnd.oci.x: the image was pushed in Docker's older format, without its attestations and annotations",
    "--provenance=false --sbom=false -o type=image,oci-mediatypes=false,push=true",
  ],
  [
    { format: false, attestations: true, annotations: false },
    "does not take attestations: the image was pushed without its attestations",
    "--provenance=false --sbom=false",
  ],
] as const) {
  test(`a registry that ${want}`, () => {
    const refused = new ManifestRefusedError("unknown", "400", {
      mediaType: "application/vnd.oci.x",
      registry: "old.example:5000",
      cause: undefined,
    });
    const { short, detail } = formChangeWarning(refused, change);
    assert.equal(short, `registry old.example:5000 ${want} (to ask for that: ${flags})`);
    assert.deepEqual(detail, ["400"]);
    assert.equal(registryOfFormChange(short), "old.example:5000");
    assert.equal(registryOfFormChange("registry old.example:5000 does not answer"), undefined);
  });
}
