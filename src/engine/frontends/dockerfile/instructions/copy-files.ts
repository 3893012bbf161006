import { goQuote } from "../../../../base/text/go-values/mod.ts";
import { cleanPath } from "../../../../base/text/paths/mod.ts";
import type { AddInstruction, CopyInstruction, CopySources } from "../../../../dockerfile/mod.ts";
import {
  type CopyAction,
  type FileAction,
  merge,
  parseChown,
  scratch,
  type State,
  type VertexOptions,
} from "../../../../llb/mod.ts";
import { resolveDestination, resolvePath } from "../paths.ts";
import type { Stage } from "../stage.ts";
import { parseChmod } from "./chmod.ts";

/** What variables may add to a document. */
const maxDocumentLength = 4 * 1024 * 1024;

/** What one source of COPY or ADD gives; where it goes, and with what owner and mode, is common to all of them. */
export type SourceAction = Omit<
  CopyAction,
  "type" | "destination" | "createDestPath" | "chown" | "mode" | "excludePatterns"
>;

/** COPY or ADD after expansion. */
export interface ExpandedCopy {
  readonly sources: readonly string[];
  readonly destination: string;
  /** Empty: not given. */
  readonly chown: string;
  readonly chmod: string;
  readonly exclude: readonly string[];
  readonly documents: readonly { readonly name: string; readonly content: string }[];
}

/** @throws {Error} with BuildKit's words */
export function expandCopy(stage: Stage, given: CopySources): ExpandedCopy {
  const each = (words: readonly string[]) => words.map((word) => stage.expand(word));
  return {
    chown: given.chown === undefined ? "" : stage.expand(given.chown),
    chmod: given.chmod === undefined ? "" : stage.expand(given.chmod),
    exclude: given.exclude, // as BuildKit has it: the only values in which variables mean nothing
    sources: each(given.sources),
    destination: stage.expand(given.destination),
    documents: given.inlineFiles.map(({ name, content, expand: wanted }) => ({
      name,
      content: wanted ? stage.expandDocument(content, maxDocumentLength) : content,
    })),
  };
}

/** Tells of a source that the build context does not have because `.dockerignore` keeps it out. */
export function lintIgnoredSource(stage: Stage, verb: "Copy" | "Add", source: string): void {
  const path = cleanPath(source);
  if (!stage.conversion.context.ignores(path)) return;
  const message = `Attempting to ${verb} file ${goQuote(path)} that is excluded by .dockerignore`;
  stage.lint("CopyIgnoredFile", message);
}

/** Adds the step that copies, and its line of history. */
export function addCopyStep(
  stage: Stage,
  copy: ExpandedCopy & {
    readonly actions: readonly SourceAction[];
    /** In front of those for owner and mode in the history. */
    readonly flags: readonly string[];
    readonly link: boolean;
    /** Of the step. */
    readonly vertex: VertexOptions;
  },
  instruction: CopyInstruction | AddInstruction,
): void {
  const { chown, chmod, documents } = copy;
  const mode = chmod === "" ? undefined : parseChmod(chmod);
  const common = {
    type: "copy" as const,
    destination: resolveDestination(stage.workingDirectory, copy.destination),
    createDestPath: true,
    ...(chown !== "" && { chown: parseChown(chown) }),
    ...(mode !== undefined && { mode }),
    ...(copy.exclude.length > 0 && { excludePatterns: copy.exclude }),
  };
  const inline = documents.map(({ name, content }) => {
    const source = resolvePath("/", name);
    return { from: inlineDocument(source, content), source };
  });
  const [first, ...rest] = [...copy.actions, ...inline].map((action): CopyAction => ({ ...common, ...action }));
  if (!first) throw new Error("Internal error: nothing to copy");
  const actions = [first, ...rest] as const;
  const { vertex } = copy;
  if (copy.link && chmod === "") {
    const { name = "" } = vertex;
    const group = (weak: boolean) => ({ progressGroup: { id: stage.linkId(), name, weak } });
    const layer = scratch.file(actions, { ...vertex, ...group(true) });
    stage.state = merge([stage.state, layer], { ...vertex, name: linkName(name), ...group(false) });
  } else {
    stage.state = stage.state.file(actions, vertex);
  }
  const words = [
    instruction.type.toUpperCase(),
    ...copy.flags,
    ...(chown === "" ? [] : [`--chown=${chown}`]),
    ...(chmod === "" ? [] : [`--chmod=${chmod}`]),
    ...copy.sources,
    ...documents.map(({ name }) => `<<${name}`),
    copy.destination,
  ];
  stage.record(`${words.join(" ")} # buildkit`, { layer: true });
}

/** The step that puts a linked layer in its place, told apart from the one that makes it. */
const linkName = (name: string) => name.replace(/^(\[[^\]]*\] (?:ONBUILD )?)?/, (prefix) => `${prefix}LINK `);

/** A filesystem with one file that stands in the Dockerfile. */
export function inlineDocument(path: string, content: string, mode = 0o644): State {
  const directory = path.slice(0, path.lastIndexOf("/"));
  const file: FileAction = { type: "mkfile", path, mode, data: new TextEncoder().encode(content) };
  const options = { name: "[internal] preparing inline document" };
  if (directory === "") return scratch.file([file], options);
  return scratch.file([{ type: "mkdir", path: directory, mode: 0o755, makeParents: true }, file], options);
}
