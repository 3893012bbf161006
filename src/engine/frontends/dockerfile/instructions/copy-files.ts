import { type CopySources, expand } from "../../../../dockerfile/mod.ts";
import { type CopyAction, type FileAction, parseChown, scratch, type State } from "../../../../llb/mod.ts";
import { resolveDestination, resolvePath } from "../paths.ts";
import type { PlannedStep, Stage } from "../stage.ts";
import { parseChmod } from "./chmod.ts";

/** What variables may add to a document. */
const maxDocumentLength = 4 * 1024 * 1024;

/** What COPY and ADD have in common, after expansion. */
export interface FileCopy {
  /** Absolute, wildcards allowed. */
  readonly paths: readonly string[];
  /** Where {@link paths} are. */
  readonly from: State;
  readonly attemptUnpack: boolean;
}

/** The expanded sources of an instruction, as written. */
export function expandSources(stage: Stage, sources: CopySources): readonly string[] {
  return sources.sources.map((source) => stage.expand(source));
}

/** Adds the step that copies, and its line of history. */
export function addCopyStep(stage: Stage, copy: FileCopy, sources: CopySources, step: PlannedStep): void {
  const destination = stage.expand(sources.destination);
  const chown = sources.chown && stage.expand(sources.chown);
  const chmod = sources.chmod && stage.expand(sources.chmod);
  const common = {
    type: "copy" as const,
    destination: resolveDestination(stage.workingDirectory, destination),
    createDestPath: true,
    ...(chown && { chown: parseChown(chown) }),
    ...(chmod && { mode: parseChmod(chmod) }),
    ...(sources.exclude.length > 0 && { excludePatterns: sources.exclude.map((pattern) => stage.expand(pattern)) }),
  };
  const actions: CopyAction[] = copy.paths.map((path) => ({
    ...common,
    from: copy.from,
    source: path,
    followSymlinks: true,
    copyDirContentsOnly: true,
    attemptUnpack: copy.attemptUnpack,
    allowWildcard: true,
    allowEmptyWildcard: true,
  }));
  for (const { name, content, expand: wanted } of sources.inlineFiles) {
    const data = wanted
      ? expand(content, { environment: stage.environment, ignoreQuotes: true, maxLength: maxDocumentLength }).text
      : content;
    const path = resolvePath("/", name);
    actions.push({ ...common, from: inlineDocument(path, data), source: path });
  }
  const [first, ...rest] = actions;
  if (!first) throw new Error("Internal error: nothing to copy");
  const words = [
    step.instruction.type.toUpperCase(),
    ...(chown ? [`--chown=${chown}`] : []),
    ...(chmod ? [`--chmod=${chmod}`] : []),
    ...expandSources(stage, sources),
    ...sources.inlineFiles.map(({ name }) => `<<${name}`),
    destination,
  ];
  stage.state = stage.state.file([first, ...rest], stage.vertexOptions(step, { keepQuotes: false }));
  stage.record(`${words.join(" ")} # buildkit`, { layer: true });
}

/** A filesystem with one file that stands in the Dockerfile. */
export function inlineDocument(path: string, content: string, mode = 0o644): State {
  const directory = path.slice(0, path.lastIndexOf("/"));
  const file: FileAction = { type: "mkfile", path, mode, data: new TextEncoder().encode(content) };
  const options = { name: "[internal] preparing inline document" };
  if (directory === "") return scratch.file([file], options);
  return scratch.file([{ type: "mkdir", path: directory, mode: 0o755, makeParents: true }, file], options);
}
