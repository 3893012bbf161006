import { BuildError } from "../../../base/errors/mod.ts";
import type { TreeFilter } from "../../../filesync/mod.ts";
import { digestOf } from "../../../oci/mod.ts";
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
      const name = identifier.slice("local://".length);
      if (name === "") throw new BuildError("invalid_argument", "a local source needs the name of a directory");
      if (attrs["local.metadatatransfer"] === "true") {
        throw new BuildError(
          "unimplemented",
          `local source "${name}": transfer of metadata alone is not supported yet`,
        );
      }
      const filter: TreeFilter = {
        include: patterns(attrs, "local.includepattern"),
        exclude: patterns(attrs, "local.excludepatterns"),
        followPaths: patterns(attrs, "local.followpaths"),
      };
      const session = attrs["local.session"];
      return {
        cacheMap: () => {
          const scope = JSON.stringify([session ?? "", filter.include, filter.exclude, filter.followPaths]);
          return Promise.resolve({ key: `session:${name}:${digestOf(scope)}`, volatile: true });
        },
        run: async ({ environment, signal, progress }) => {
          const caller = await environment.session(session, { signal });
          const hint = attrs["local.sharedkeyhint"] ?? "";
          const { root, toc } = await contexts.open(caller, name, { filter, hint, signal, progress });
          return await refs.fromDirectory(root, toc, { description: `local source for ${name}` });
        },
      };
    },
  };
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
