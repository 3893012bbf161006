import { BuildError } from "../../base/errors/mod.ts";
import { parsePlatform, type Platform } from "../../oci/mod.ts";

/** Where an annotation goes. */
export type AnnotationTarget = "manifest" | "manifest-descriptor" | "index" | "index-descriptor";

/** A remark to write into an image's documents. */
export interface Annotation {
  /** Absent where nobody said: the manifest. */
  readonly target?: AnnotationTarget;
  /** Only for this platform's manifest or descriptor. */
  readonly platform?: Platform;
  readonly key: string;
  readonly value: string;
}

const targets: readonly string[] = ["manifest", "manifest-descriptor", "index", "index-descriptor"];

/**
 * Parses `[TYPE[PLATFORM][,TYPE…]:]KEY=VALUE`: one annotation for each type that is named.
 * @throws {BuildError} with docker buildx's words
 */
export function parseAnnotation(text: string): readonly Annotation[] {
  const equals = text.indexOf("=");
  if (equals < 0) throw invalid(`invalid annotation ${JSON.stringify(text)}, expected key=value`);
  const value = text.slice(equals + 1);
  const head = text.slice(0, equals);
  const colon = head.indexOf(":");
  if (colon < 0) return [{ key: head, value }];
  const key = head.slice(colon + 1);
  return splitTypes(head.slice(0, colon)).map((type) => ({ ...parseType(type), key, value }));
}

/** At commas outside of brackets. */
function splitTypes(text: string): readonly string[] {
  return text.split(/,(?![^[]*\])/);
}

function parseType(text: string): Pick<Annotation, "target" | "platform"> {
  const [, name, platform] = /^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$/.exec(text) ?? [];
  if (name === undefined) {
    throw invalid(
      `invalid annotation type ${JSON.stringify(text)}, expected type and optional platform in square brackets`,
    );
  }
  if (!targets.includes(name)) throw invalid(`unknown annotation type ${JSON.stringify(name)}`);
  return {
    target: name as AnnotationTarget,
    ...(platform === undefined ? {} : { platform: parsed(platform) }),
  };
}

function parsed(platform: string): Platform {
  try {
    return parsePlatform(platform);
  } catch (cause) {
    throw new BuildError("invalid_argument", `invalid platform ${JSON.stringify(platform)}`, { cause });
  }
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
