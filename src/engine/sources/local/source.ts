import { BuildError } from "../../../base/errors/mod.ts";
import { parseGoBool } from "../../../base/text/go-values/mod.ts";
import type { TreeFilter } from "../../../filesync/mod.ts";
import { digestOf } from "../../../oci/mod.ts";
import type { SessionCaller } from "../../../session/mod.ts";
import type { ByteWorkers } from "../../bytes/mod.ts";
import type { Source } from "../../ops/mod.ts";
import type { RefStore } from "../../refs/mod.ts";
import type { SourceEnvironment } from "../environment.ts";
import { type ContextUse, openContexts } from "./contexts.ts";

/**
 * `local://`: a directory of the client. On the same machine it is read where it lies; from elsewhere what changed is received. Its key means
 * nothing outside of this build: what is copied out of it is recognised by content.
 */
export function localSource(options: {
  readonly refs: RefStore;
  readonly bytes: ByteWorkers;
  /** Where received directories and the indexes of walks are kept. */
  readonly root: string;
  /** Told while one of them is in use; undefined: nobody ever removes any. */
  readonly use?: ContextUse;
}): Source<SourceEnvironment> {
  const { refs } = options;
  const contexts = openContexts(options);
  return {
    scheme: "local",
    open: ({ identifier, attrs }) => {
      const { session, name } = whose(identifier.slice("local://".length), attrs["local.session"]);
      if (name === "") throw new BuildError("invalid_argument", "a local source needs the name of a directory");
      const filter: TreeFilter = {
        include: patterns(attrs, "local.includepattern"),
        exclude: patterns(attrs, "local.excludepatterns"),
        followPaths: patterns(attrs, "local.followpaths"),
      };
      const anew = differ(attrs["local.differ"]) === "none";
      const contentsOf = isMetadataOnly(attrs["local.metadatatransfer"])
        ? patterns(attrs, "local.metadatatransferexclude")
        : undefined;
      return {
        cacheMap: () => {
          const scope = JSON.stringify([session, filter.include, filter.exclude, filter.followPaths, contentsOf]);
          return Promise.resolve({
            key: `session:${name}:${digestOf(scope)}`,
            volatile: true,
            material: () => ({ type: "local", name }),
          });
        },
        run: async ({ environment, signal, progress }) => {
          const caller = await callerOf(environment, session, signal);
          const hint = attrs["local.sharedkeyhint"] ?? "";
          const { root, toc } = await contexts.open(caller, name, { filter, anew, contentsOf, hint, signal, progress });
          return await refs.fromDirectory(root, toc, { description: `local source for ${name}` });
        },
      };
    },
  };
}

/** The client that is named, else, should it have left, the one whose build it is. */
async function callerOf(environment: SourceEnvironment, id: string, signal: AbortSignal): Promise<SessionCaller> {
  try {
    return await environment.session(id, { signal });
  } catch (error) {
    const { sessionId } = environment;
    const isGone = error instanceof BuildError && error.code === "not_found";
    if (!isGone || sessionId === "" || id === "" || id === sessionId) throw error;
    return await environment.session(sessionId, { signal });
  }
}

/** An id with a prefix names another client, which knows the directory by that prefix. */
function whose(name: string, session = ""): { readonly session: string; readonly name: string } {
  const colon = session.indexOf(":");
  if (colon < 0) return { session, name };
  return { session: session.slice(colon + 1), name: `${session.slice(0, colon)}-${name}` };
}

function differ(text = ""): "none" | "metadata" {
  if (text === "none" || text === "metadata") return text;
  if (text === "") return "metadata";
  throw new BuildError("invalid_argument", `invalid local.differ ${JSON.stringify(text)}: want "none" or "metadata"`);
}

function isMetadataOnly(text = "false"): boolean {
  const value = parseGoBool(text);
  if (value !== undefined) return value;
  throw new BuildError("invalid_argument", `invalid value for local.metadatatransfer ${JSON.stringify(text)}`);
}

function patterns(attributes: Readonly<Record<string, string>>, key: string): readonly string[] {
  const text = attributes[key];
  if (text === undefined || text === "") return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!Array.isArray(value) || !value.every((pattern) => typeof pattern === "string")) {
    throw new BuildError("invalid_argument", `invalid ${key}: want a JSON array of strings, got ${text}`);
  }
  return value;
}
