/** What a build gave: what exporters say of their results, by key. */
export interface BuildResult {
  /** `builder/node/id`, by which the build can be found again; empty for what several nodes have made together. */
  readonly ref: string;
  readonly response: Readonly<Record<string, string>>;
}

/**
 * What identifies the image: the digest of its config, which Docker calls the image ID, else of what a registry would hold; `undefined`
 * when no image was made.
 */
export function imageId({ response }: BuildResult): string | undefined {
  return response["containerimage.config.digest"] || response["containerimage.digest"] || undefined;
}

/**
 * The metadata file's text: every key of the result, descriptors unpacked from base64, sorted and indented.
 * @param warnings of the build, as JSON; told where there are some
 */
export function metadataJson(result: BuildResult, warnings: readonly object[] = []): string {
  const ref = result.ref === "" ? {} : { "buildx.build.ref": result.ref };
  const entries = Object.entries({ ...result.response, ...ref }).map(
    // What a frontend answers is JSON already.
    ([key, value]) => [key, key === "result.json" ? unpacked(value, value) : decodeValue(value)] as const,
  );
  if (warnings.length > 0) entries.push(["buildx.build.warnings", warnings]);
  return JSON.stringify(Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))), undefined, 2);
}

/** A value that is base64 of JSON, as descriptors travel, is unpacked; others stay as they are. */
function decodeValue(value: string): unknown {
  if (!/^[A-Za-z0-9+/]{4,}={0,2}$/.test(value)) return value;
  return unpacked(Buffer.from(value, "base64").toString("utf8"), value);
}

/** The object, or the list of objects, that a text is; else, and where it is empty, what is given in its place. */
function unpacked(text: string, otherwise: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    const isFilled = isObject(json) && Object.keys(json).length > 0;
    return isFilled && (!Array.isArray(json) || json.every((item) => isObject(item) && !Array.isArray(item)))
      ? json
      : otherwise;
  } catch {
    return otherwise;
  }
}

function isObject(json: unknown): json is object {
  return typeof json === "object" && json !== null;
}
