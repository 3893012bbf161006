import { goQuote } from "../../../../base/text/go-values/mod.ts";
import { cleanPath } from "../../../../base/text/paths/mod.ts";
import { resolveMount, type RunInstruction, type RunMount } from "../../../../dockerfile/mod.ts";
import { type ExecMount, scratch, type SecretVariable, type State } from "../../../../llb/mod.ts";
import { resolvePath } from "../paths.ts";
import type { Stage } from "../stage.ts";

/** What a RUN sees besides its root. */
export interface RunMounts {
  readonly mounts: readonly ExecMount[];
  readonly secretVariables: readonly SecretVariable[];
}

/** The mounts of a RUN. `sources` has one entry per mount. @throws {Error} with BuildKit's words */
export function runMounts(
  stage: Stage,
  instruction: RunInstruction,
  sources: readonly (Stage | undefined)[],
): RunMounts {
  const mounts: ExecMount[] = [];
  const secretVariables: SecretVariable[] = [];
  for (const [at, text] of instruction.mounts.entries()) {
    const mount = resolveMount(text, (word) => stage.expand(word));
    const source = sources[at];
    if (source && !source.done) {
      throw new Error(
        `cannot mount from stage ${goQuote(text.from ?? "")} to ${goQuote(mount.target)}, stage needs to be defined before current command`,
      );
    }
    switch (mount.type) {
      case "tmpfs": {
        const target = targetOf(stage, mount);
        mounts.push({ type: "tmpfs", target, sizeBytes: mount.sizeBytes, readonly: mount.readonly });
        break;
      }
      case "bind": {
        const target = targetOf(stage, mount);
        mounts.push({ type: "bind", target, readonly: mount.readonly, ...contentOf(stage, mount, source) });
        break;
      }
      case "cache":
        mounts.push({
          type: "cache",
          target: targetOf(stage, mount),
          id: `${stage.conversion.options.cacheNamespace}/${mount.id === "" ? cleanPath(mount.target) : mount.id}`,
          sharing: mount.sharing ?? "shared",
          readonly: mount.readonly,
          ...contentOf(stage, mount, source),
        });
        break;
      case "secret": {
        const id = mount.source || mount.id || baseName(mount.target);
        const { required, env } = mount;
        stage.parameters.want("secrets", { name: id, required, range: instruction.range });
        if (env !== undefined) secretVariables.push({ id, name: env === "" ? id : env, required });
        const target = mount.target || (env === undefined ? `/run/secrets/${baseName(id)}` : undefined);
        if (target !== undefined) mounts.push({ type: "secret", target, id, ...ownerOf(mount, 0o400), required });
        break;
      }
      case "ssh": {
        if (mount.source !== "") throw new Error("ssh does not support source");
        const { id, required } = mount;
        stage.parameters.want("agents", { name: id || "default", required, range: instruction.range });
        const target = mount.target === "" ? {} : { target: mount.target };
        mounts.push({ type: "ssh", id, ...target, ...ownerOf(mount, 0o600), required });
        break;
      }
    }
  }
  return { mounts, secretVariables };
}

const baseName = (path: string) => cleanPath(path).split("/").at(-1) || "/";

const ownerOf = ({ mode, uid = 0, gid = 0 }: RunMount, defaultMode: number) => ({
  mode: mode ?? defaultMode,
  uid,
  gid,
});

function targetOf(stage: Stage, mount: RunMount): string {
  const target = resolvePath(stage.workingDirectory, mount.target);
  if (target === "/") throw new Error(`invalid mount target ${goQuote(target)}`);
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
  source?.directory?.use(path);
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
