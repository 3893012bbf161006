import { create } from "../base/protobuf/mod.ts";
import { pb } from "../api/mod.ts";
import type { LlbCapability } from "./capabilities.ts";
import type { Chown, CopyAction, FileAction, FileActions, Owner } from "./file-actions.ts";
import type { State } from "./state.ts";
import type { OpBody, Vertex, VertexOptions } from "./vertex.ts";

/** Changes to a filesystem that need no process; output 0 is that filesystem afterwards. */
export class FileVertex implements Vertex {
  readonly inputs: readonly State[];
  readonly options: VertexOptions;
  readonly #base: State;
  readonly #actions: FileActions;

  constructor(base: State, actions: FileActions, options: VertexOptions) {
    this.#base = base;
    this.#actions = actions;
    this.options = options;
    this.inputs = [base, ...actions.flatMap((action) => (action.type === "copy" ? [action.from] : []))];
  }

  body(number: (input: State) => bigint): OpBody {
    const base = number(this.#base);
    const seconds = this.#actions.map((action) => (action.type === "copy" ? number(action.from) : -1n));
    // Results of actions are numbered behind the inputs, and inputs are only counted once all have been asked for.
    const inputCount = BigInt(new Set([base, ...seconds].filter((index) => index >= 0n)).size);
    const last = this.#actions.length - 1;
    const actions = this.#actions.map((action, at) =>
      create(pb.FileActionSchema, {
        input: at === 0 ? base : inputCount + BigInt(at - 1),
        secondaryInput: seconds[at] ?? -1n,
        output: at === last ? 0n : -1n,
        action: encodeAction(action, base),
      }),
    );
    const capabilities = new Set<LlbCapability>(["file.base"]);
    for (const action of this.#actions) for (const id of capabilitiesOf(action)) capabilities.add(id);
    return { op: { case: "file", value: create(pb.FileOpSchema, { actions }) }, capabilities: [...capabilities] };
  }
}

function capabilitiesOf(action: FileAction): readonly LlbCapability[] {
  if (action.type === "symlink") return ["file.symlink.create"];
  if (action.type === "rm" && action.allowWildcard) return ["file.rm.wildcard"];
  if (action.type !== "copy") return [];
  return [
    ...(action.includePatterns?.length || action.excludePatterns?.length
      ? (["file.copy.includeexcludepatterns"] as const)
      : []),
    ...(action.requiredPaths?.length ? (["file.copy.requiredpaths"] as const) : []),
  ];
}

/** @param users where names of owners are looked up */
function encodeAction(action: FileAction, users: bigint): pb.FileAction["action"] {
  switch (action.type) {
    case "copy":
      return { case: "copy", value: encodeCopy(action, users) };
    case "mkdir":
      return {
        case: "mkdir",
        value: create(pb.FileActionMkDirSchema, {
          path: action.path,
          mode: action.mode & 0o777,
          makeParents: action.makeParents ?? false,
          timestamp: action.timestampNs ?? -1n,
          ...ownerField(action.chown, users),
        }),
      };
    case "mkfile":
      return {
        case: "mkfile",
        value: create(pb.FileActionMkFileSchema, {
          path: action.path,
          mode: action.mode & 0o777,
          data: action.data,
          timestamp: action.timestampNs ?? -1n,
          ...ownerField(action.chown, users),
        }),
      };
    case "rm":
      return {
        case: "rm",
        value: create(pb.FileActionRmSchema, {
          path: action.path,
          allowNotFound: action.allowNotFound ?? false,
          allowWildcard: action.allowWildcard ?? false,
        }),
      };
    case "symlink":
      return {
        case: "symlink",
        value: create(pb.FileActionSymlinkSchema, {
          oldpath: action.target,
          newpath: action.path,
          timestamp: action.timestampNs ?? -1n,
          ...ownerField(action.chown, users),
        }),
      };
  }
}

function encodeCopy(action: CopyAction, users: bigint): pb.FileActionCopy {
  return create(pb.FileActionCopySchema, {
    src: action.source,
    dest: action.destination,
    mode: typeof action.mode === "number" ? action.mode : -1,
    modeStr: typeof action.mode === "string" ? action.mode : "",
    followSymlink: action.followSymlinks ?? false,
    dirCopyContents: action.copyDirContentsOnly ?? false,
    attemptUnpackDockerCompatibility: action.attemptUnpack ?? false,
    createDestPath: action.createDestPath ?? false,
    allowWildcard: action.allowWildcard ?? false,
    allowEmptyWildcard: action.allowEmptyWildcard ?? false,
    includePatterns: [...(action.includePatterns ?? [])],
    excludePatterns: [...(action.excludePatterns ?? [])],
    requiredPaths: [...(action.requiredPaths ?? [])],
    timestamp: action.timestampNs ?? -1n,
    ...ownerField(action.chown, users),
  });
}

function ownerField(chown: Chown | undefined, users: bigint): { owner?: pb.ChownOpt } {
  if (!chown) return {};
  return {
    owner: create(pb.ChownOptSchema, {
      ...(chown.user && { user: encodeOwner(chown.user, users) }),
      ...(chown.group && { group: encodeOwner(chown.group, users) }),
    }),
  };
}

function encodeOwner(owner: Owner, users: bigint): pb.UserOpt {
  return create(pb.UserOptSchema, {
    user:
      "id" in owner
        ? { case: "byID", value: owner.id }
        : { case: "byName", value: create(pb.NamedUserOptSchema, { name: owner.name, input: users }) },
  });
}
