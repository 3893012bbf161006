import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { type BlobReader, type OciLayout, openOciLayout } from "../../content/mod.ts";
import { familiarReference, parseReference } from "../../oci/mod.ts";
import { newSessionId } from "../../session/mod.ts";
import { remoteContext } from "./remote-context.ts";

/** A context as the request speaks of it, and what the session offers for it. */
export interface OfferedContext {
  /** As the frontend looks for it: short, and without `:latest`. */
  readonly name: string;
  /** Value of `context:<name>`. */
  readonly source: string;
  readonly directory?: { readonly name: string; readonly path: string };
  readonly layout?: { readonly name: string; readonly blobs: BlobReader };
  readonly hasGitQuery?: boolean;
}

/**
 * Reads the values of `--build-context`; the last one of a name counts.
 * @throws {BuildError} with docker buildx's words
 */
export async function offerContexts(values: readonly string[], cwd: string): Promise<readonly OfferedContext[]> {
  const byName = new Map(values.map(splitValue));
  return await Promise.all([...byName].map(([name, path]) => offer(name, path, cwd)));
}

function splitValue(value: string): [name: string, path: string] {
  const equals = value.indexOf("=");
  if (equals < 0) throw invalid(`invalid context value: ${value}, expected key=value`);
  const given = value.slice(0, equals);
  try {
    return [familiarReference(parseReference(given)).replace(/:latest$/, ""), value.slice(equals + 1)];
  } catch (cause) {
    throw invalid(`invalid context name ${given}: ${messageOf(cause)}`, cause);
  }
}

async function offer(name: string, path: string, cwd: string): Promise<OfferedContext> {
  if (path.startsWith("docker-image://")) return { name, source: path };
  if (path.startsWith("target:")) {
    // Targets stand in files for bake; a build has none to take from.
    throw invalid(`failed to find target ${path.slice("target:".length)} for context ${name}`);
  }
  const remote = remoteContext(path);
  if (remote) return { name, source: path, hasGitQuery: remote.hasGitQuery };
  if (path.startsWith("oci-layout://")) return await offerLayout(name, path, cwd);
  const directory = resolve(cwd, path);
  const found = await stat(directory).catch((cause: unknown) => {
    throw invalid(`failed to get build context ${name}: stat ${path}: no such file or directory`, cause);
  });
  if (!found.isDirectory()) throw invalid(`failed to get build context path ${path}: not a directory`);
  // The names of the main context and of the Dockerfile's directory are taken.
  const local = name === "context" || name === "dockerfile" ? `_${name}` : name;
  return { name, source: `local:${local}`, directory: { name: local, path: directory } };
}

/** `oci-layout://path[:tag][@digest]` */
async function offerLayout(name: string, text: string, cwd: string): Promise<OfferedContext> {
  const rest = text.slice("oci-layout://".length);
  const at = rest.indexOf("@");
  const tagged = at < 0 ? rest : rest.slice(0, at);
  const colon = tagged.indexOf(":");
  const path = colon < 0 ? tagged : tagged.slice(0, colon);
  const tag = colon < 0 ? "latest" : tagged.slice(colon + 1);
  const unresolved = (cause: unknown) =>
    invalid(`oci-layout reference ${JSON.stringify(text)} could not be resolved: ${messageOf(cause)}`, cause);
  const layout = await openOciLayout(resolve(cwd, path)).catch((cause: unknown) => {
    throw unresolved(cause);
  });
  let digest = at < 0 ? "" : rest.slice(at + 1);
  if (digest === "") {
    try {
      digest = digestIn(layout, tag);
    } catch (cause) {
      throw unresolved(cause);
    }
  }
  const store = newSessionId();
  return { name, source: `oci-layout://${store}:${tag}@${digest}`, layout: { name: store, blobs: layout } };
}

/** A layout with one image in it needs no tag. */
function digestIn(layout: OciLayout, tag: string): string {
  const [only, ...others] = layout.index.manifests;
  return only && others.length === 0 ? only.digest : layout.resolve(tag).digest;
}

function invalid(message: string, cause?: unknown): BuildError {
  return new BuildError("invalid_argument", message, { cause });
}
