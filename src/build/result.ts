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

/** The metadata file's text: every key of the result, descriptors unpacked from base64, sorted and indented. */
export function metadataJson(result: BuildResult): string {
  const ref = result.ref === "" ? {} : { "buildx.build.ref": result.ref };
  const entries = Object.entries({ ...result.response, ...ref }).map(
    ([key, value]) => [key, key === "result.json" ? parsedOr(value) : decodeValue(value)] as const,
  );
  return JSON.stringify(Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))), undefined, 2);
}

/** What a frontend answers is JSON already. */
function parsedOr(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** A value that is base64 of a JSON object, as descriptors travel, becomes that object; others stay as they are. */
function decodeValue(value: string): unknown {
  if (!/^[A-Za-z0-9+/]{4,}={0,2}$/.test(value)) return value;
  try {
    const json: unknown = JSON.parse(Buffer.from(value, "base64").toString("utf8"));
    return typeof json === "object" && json !== null && !Array.isArray(json) ? json : value;
  } catch {
    return value;
  }
}
