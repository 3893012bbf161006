import { pb } from "../api/mod.ts";
import { create } from "../base/protobuf/mod.ts";
import type { Digest, Platform } from "../oci/mod.ts";
import type { LlbCapability } from "./capabilities.ts";
import { type State, stateOf } from "./state.ts";
import type { OpBody, Vertex, VertexOptions } from "./vertex.ts";

/** A place that files come from. */
export interface SourceOptions {
  /** `<scheme>://<rest>` */
  readonly identifier: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Where the scheme depends on it. */
  readonly platform?: Platform;
  readonly capabilities: readonly LlbCapability[];
}

/** Any source. */
export function source(options: SourceOptions, vertex: VertexOptions = {}): State {
  return stateOf(new SourceVertex(options, vertex));
}

/**
 * The root filesystem of an image.
 * @param ref spelled out, with tag or digest
 */
export function image(
  ref: string,
  options: {
    readonly platform: Platform;
    readonly resolveMode?: "default" | "pull" | "local";
    /** What it is for, where that is no build's base. */
    readonly recordType?: "internal" | "frontend";
  },
  vertex: VertexOptions = {},
): State {
  const mode = options.resolveMode ?? "default";
  return source(
    {
      identifier: `docker-image://${ref}`,
      attributes: {
        ...(mode === "default" ? {} : { "image.resolvemode": mode }),
        ...(options.recordType && { "image.recordtype": options.recordType }),
      },
      platform: options.platform,
      capabilities: mode === "default" ? ["source.image"] : ["source.image", "source.image.resolvemode"],
    },
    vertex,
  );
}

/** What to take of a directory of the client. */
export interface LocalOptions {
  readonly sessionId?: string;
  readonly includePatterns?: readonly string[];
  readonly excludePatterns?: readonly string[];
  readonly followPaths?: readonly string[];
  /** Lets later builds reuse what was sent before. */
  readonly sharedKeyHint?: string;
  /** `none`: send all, compare nothing. */
  readonly differ?: "none" | "metadata";
}

/** A directory of the client, by the name under which the client shares it. */
export function local(name: string, options: LocalOptions, vertex: VertexOptions = {}): State {
  const attributes: Record<string, string> = {};
  const capabilities: LlbCapability[] = ["source.local"];
  const set = (key: string, value: string | undefined, capability: LlbCapability | undefined) => {
    if (value === undefined) return;
    attributes[key] = value;
    if (capability) capabilities.push(capability);
  };
  const list = (values: readonly string[] | undefined) => (values?.length ? JSON.stringify(values) : undefined);
  set("local.session", options.sessionId || undefined, "source.local.sessionid");
  set("local.includepattern", list(options.includePatterns), "source.local.includepatterns");
  set("local.excludepatterns", list(options.excludePatterns), "source.local.excludepatterns");
  set("local.followpaths", list(options.followPaths), "source.local.followpaths");
  set("local.sharedkeyhint", options.sharedKeyHint || undefined, "source.local.sharedkeyhint");
  set("local.differ", options.differ, undefined);
  return source({ identifier: `local://${name}`, attributes, capabilities }, vertex);
}

/** What to take of a Git repository. */
export interface GitOptions {
  /** What a Git client is given. */
  readonly remote: string;
  /** Host and path, by which the same repository is known under any protocol. */
  readonly host: string;
  readonly path: string;
  readonly scheme: "http" | "https" | "ssh" | "git";
  /** Branch, tag or commit; empty: the default branch. */
  readonly ref?: string;
  readonly subdir?: string;
  readonly keepGitDir?: boolean;
  /** Commit, or its start. */
  readonly checksum?: string | undefined;
  readonly skipSubmodules?: boolean;
  readonly mtime?: "checkout" | "commit" | undefined;
  readonly fetchByCommit?: boolean;
}

/** The files of a Git repository. */
export function git(options: GitOptions, vertex: VertexOptions = {}): State {
  const { ref = "", subdir = "" } = options;
  const fragment = ref === "" && subdir === "" ? "" : `#${ref}${subdir === "" ? "" : `:${subdir}`}`;
  const attributes: Record<string, string> = {
    "git.fullurl": options.remote,
    "git.authtokensecret": "GIT_AUTH_TOKEN",
    "git.authheadersecret": "GIT_AUTH_HEADER",
  };
  const capabilities: LlbCapability[] = ["source.git", "source.git.fullurl"];
  const set = (key: string, value: string | undefined, capability: LlbCapability) => {
    if (value === undefined) return;
    attributes[key] = value;
    capabilities.push(capability);
  };
  set("git.keepgitdir", options.keepGitDir ? "true" : undefined, "source.git.keepgitdir");
  set("git.mountsshsock", options.scheme === "ssh" ? "default" : undefined, "source.git.mountsshsock");
  set("git.checksum", options.checksum || undefined, "source.git.checksum");
  set("git.skipsubmodules", options.skipSubmodules ? "true" : undefined, "source.git.skipsubmodules");
  set("git.mtime", options.mtime, "source.git.mtime");
  set("git.fetchbycommit", options.fetchByCommit ? "true" : undefined, "source.git.fetchbycommit");
  const path = options.path.startsWith("/") ? options.path : `/${options.path}`;
  return source({ identifier: `git://${options.host}${path}${fragment}`, attributes, capabilities }, vertex);
}

/** One file, fetched by HTTP. */
export function http(
  url: string,
  options: { readonly filename?: string; readonly checksum?: Digest | undefined },
  vertex: VertexOptions = {},
): State {
  const attributes: Record<string, string> = {};
  const capabilities: LlbCapability[] = ["source.http"];
  if (options.checksum !== undefined) {
    attributes["http.checksum"] = options.checksum;
    capabilities.push("source.http.checksum");
  }
  if (options.filename) attributes["http.filename"] = options.filename;
  return source({ identifier: url, attributes, capabilities }, vertex);
}

class SourceVertex implements Vertex {
  readonly inputs = [];
  readonly options: VertexOptions;
  readonly #source: SourceOptions;
  constructor(options: SourceOptions, vertex: VertexOptions) {
    this.#source = options;
    this.options = vertex;
  }
  body(): OpBody {
    const { identifier, attributes, platform, capabilities } = this.#source;
    const attrs = Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    return {
      op: { case: "source", value: create(pb.SourceOpSchema, { identifier, attrs }) },
      ...(platform && { platform }),
      capabilities,
    };
  }
}
