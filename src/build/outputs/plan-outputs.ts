import { BuildError } from "../../base/errors/mod.ts";
import { parseGoBool } from "../../base/text/go-values/mod.ts";
import type { Output } from "./output.ts";

/** What the decision depends on. */
export interface OutputWishes {
  readonly outputs: readonly Output[];
  /** Attributes of exporters of images that say what is to be remarked. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly push: boolean;
  readonly load: boolean;
  /** Names of the image, spelled out. */
  readonly tags: readonly string[];
  /** How many platforms are asked for. */
  readonly platforms: number;
  /** The image is to come with attestations, which make it an index. */
  readonly attested: boolean;
  /** Whether stdout is a terminal, which no archive may be written to. */
  readonly stdoutIsTty: boolean;
  /** A build without an output is loaded into the Docker Engine. */
  readonly defaultLoad: boolean;
}

/** Where the bytes go that an exporter sends to this client. */
export type OutputTarget =
  | { readonly type: "none" }
  | { readonly type: "stdout" }
  | { readonly type: "file"; readonly path: string }
  | { readonly type: "directory"; readonly path: string; readonly mode: "copy" | "delete" }
  /** A directory in the OCI image layout, which keeps what it has. */
  | { readonly type: "layout"; readonly path: string }
  /** A Docker Engine, by the name of its context; absent: the one in use. */
  | { readonly type: "docker-engine"; readonly context?: string };

/** An exporter to ask the engine for. */
export interface PlannedOutput {
  readonly exporter: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly target: OutputTarget;
}

/** What becomes of the wishes. */
export interface OutputPlan {
  readonly outputs: readonly PlannedOutput[];
  /** Nothing was asked for: the result stays in the cache, which deserves a word. */
  readonly cacheOnlyByDefault: boolean;
}

const imageTypes = new Set(["image", "oci", "docker"]);

/**
 * Decides what the engine is asked to export and where it goes. Pure: whether a path can be written, and what a Docker Engine takes, is looked at later.
 * @throws {BuildError} `invalid_argument` with docker buildx's words
 */
export function planOutputs(wishes: OutputWishes): OutputPlan {
  const outputs = withLoad(withPush(wishes.outputs, wishes.push), wishes.load);
  const nothing = outputs.length === 0;
  const wanted = nothing && wishes.defaultLoad ? [{ type: "docker", attrs: {} }] : outputs;
  const planned = wanted.filter(({ type }) => type !== "cacheonly").map((output) => plan(output, wishes));
  if (planned.filter(({ target }) => target.type === "stdout").length > 1) {
    throw invalid("multiple outputs configured to write to stdout");
  }
  return { outputs: planned, cacheOnlyByDefault: nothing && !wishes.defaultLoad };
}

/** `--push`: the image outputs push; without one, there is one now. */
function withPush(outputs: readonly Output[], push: boolean): readonly Output[] {
  if (!push) return outputs;
  if (!outputs.some(({ type }) => type === "image")) return [...outputs, { type: "image", attrs: { push: "true" } }];
  return outputs.map((output) =>
    output.type === "image" ? { ...output, attrs: { ...output.attrs, push: "true" } } : output,
  );
}

function withLoad(outputs: readonly Output[], load: boolean): readonly Output[] {
  const has = outputs.some(({ type, dest }) => type === "docker" && dest === undefined);
  return !load || has ? outputs : [...outputs, { type: "docker", attrs: {} }];
}

function plan(output: Output, wishes: OutputWishes): PlannedOutput {
  const { type } = output;
  const named = imageTypes.has(type) && wishes.tags.length > 0; // tags go before names, as in buildx
  const attrs: Readonly<Record<string, string>> = {
    ...output.attrs,
    ...(imageTypes.has(type) ? wishes.annotations : {}),
    ...(named ? { name: wishes.tags.join(",") } : {}),
  };
  if (type === "image" && isTrue(attrs, "push") && !attrs.name) {
    throw invalid("tag is needed when pushing to registry");
  }
  const target = targetOf(output, wishes);
  if (type === "docker" && target.type !== "docker-engine" && (wishes.platforms > 1 || wishes.attested)) {
    throw invalid("docker exporter does not support exporting manifest lists, use the oci exporter instead");
  }
  return { exporter: type, attrs, target };
}

function targetOf({ type, attrs, dest }: Output, { stdoutIsTty }: OutputWishes): OutputTarget {
  switch (type) {
    case "local": {
      if (dest === undefined || dest === "") throw invalid("dest is required for local exporter");
      if (dest === "-") throw invalid("dest cannot be stdout for local exporter");
      const mode = attrs.mode ?? "copy";
      if (mode !== "copy" && mode !== "delete") throw invalid(`invalid local exporter mode ${JSON.stringify(mode)}`);
      return { type: "directory", path: dest, mode };
    }
    case "docker":
      if (isLayout(attrs)) return layoutTarget(type, dest);
      if (dest === undefined) return { type: "docker-engine", ...(attrs.context ? { context: attrs.context } : {}) };
      return archiveTarget(type, dest, stdoutIsTty);
    case "oci":
      return isLayout(attrs) ? layoutTarget(type, dest) : archiveTarget(type, dest ?? "", stdoutIsTty);
    case "tar":
      return archiveTarget(type, dest ?? "", stdoutIsTty);
    default:
      if (dest !== undefined) throw invalid(`output of type ${type} does not take a dest`);
      return { type: "none" };
  }
}

/** Whether the image is wanted as single blobs instead of as an archive. */
function isLayout(attrs: Readonly<Record<string, string>>): boolean {
  return "tar" in attrs && !isTrue(attrs, "tar");
}

function layoutTarget(type: string, dest: string | undefined): OutputTarget {
  if (dest === undefined || dest === "") throw invalid(`dest is required for ${type} exporter`);
  if (dest === "-") throw invalid(`dest cannot be stdout for ${type} exporter`);
  return { type: "layout", path: dest };
}

function archiveTarget(type: string, dest: string, stdoutIsTty: boolean): OutputTarget {
  if (dest !== "" && dest !== "-") return { type: "file", path: dest };
  if (stdoutIsTty) throw invalid(`dest file is required for ${type} exporter. refusing to write to console`);
  return { type: "stdout" };
}

/** Whether an attribute is set; an empty value means yes. */
function isTrue(attrs: Readonly<Record<string, string>>, key: string): boolean {
  const value = attrs[key];
  if (value === undefined) return false;
  const known = value === "" ? true : parseGoBool(value);
  if (known === undefined) throw invalid(`non-bool value specified for ${key}`);
  return known;
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
