import { cleanPath } from "../../../../base/text/paths/mod.ts";
import { notSupportedYet, resolveMount, type RunInstruction, type RunMount } from "../../../../dockerfile/mod.ts";
import { type ExecMount, scratch, type State } from "../../../../llb/mod.ts";
import { resolvePath } from "../paths.ts";
import type { Stage } from "../stage.ts";

/** The mounts of a RUN. `sources` has one entry per mount. */
export function runMounts(
  stage: Stage,
  instruction: RunInstruction,
  sources: readonly (Stage | undefined)[],
): readonly ExecMount[] {
  return instruction.mounts.map((text, at) => {
    const mount = resolveMount(text, (word) => stage.expand(word));
    if (mount.type === "secret" || mount.type === "ssh") {
      throw notSupportedYet(`RUN --mount=type=${mount.type}`, instruction.range);
    }
    const source = sources[at];
    if (source && !source.done) {
      throw new Error(
        `cannot mount from stage ${JSON.stringify(text.from)} to ${JSON.stringify(mount.target)}, stage needs to be defined before current command`,
      );
    }
    const target = targetOf(stage, mount);
    switch (mount.type) {
      case "tmpfs":
        return { type: "tmpfs", target, sizeBytes: mount.sizeBytes };
      case "bind":
        return { type: "bind", target, readonly: mount.readonly, ...contentOf(stage, mount, source) };
      case "cache":
        return {
          type: "cache",
          target,
          id: `${stage.conversion.options.cacheNamespace}/${mount.id === "" ? cleanPath(mount.target) : mount.id}`,
          sharing: mount.sharing ?? "shared",
          readonly: mount.readonly,
          ...contentOf(stage, mount, source),
        };
    }
  });
}

function targetOf(stage: Stage, mount: RunMount): string {
  const target = resolvePath(stage.workingDirectory, mount.target);
  if (target === "/") throw new Error(`invalid mount target ${JSON.stringify(target)}`);
  return target;
}

/** What a bind mount shows, or a cache holds at first. */
function contentOf(stage: Stage, mount: RunMount, source: Stage | undefined): { from: State; selector?: string } {
  const { context } = stage.conversion;
  const path = resolvePath("/", mount.source);
  let from = source?.state ?? scratch;
  if (!source && mount.type === "bind") {
    context.use(path);
    from = context.state;
  }
  if (path !== "/") return { from, selector: path };
  if (mount.uid === undefined && mount.gid === undefined && mount.mode === undefined) return { from };
  const seeded = from.file(
    [
      {
        type: "mkdir",
        path: "/cache",
        mode: mount.mode ?? 0o755,
        chown: { user: { id: mount.uid ?? 0 }, group: { id: mount.gid ?? 0 } },
      },
    ],
    { name: "[internal] setting cache mount permissions" },
  );
  return { from: seeded, selector: "/cache" };
}
