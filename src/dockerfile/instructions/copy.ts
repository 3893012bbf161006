import { chompTabs, type InstructionNode, parseHeredocMark } from "../parser/mod.ts";
import { type FlagKind, type FlagValues, parseFlags } from "./flags.ts";
import { baseOf, textsOf } from "./instruction-base.ts";
import type { AddInstruction, CopyInstruction, CopySources, InlineFile } from "./types.ts";

const commonFlags: Readonly<Record<string, FlagKind>> = {
  chown: "string",
  chmod: "string",
  link: "boolean",
  exclude: "list",
};

/** `COPY [flags] source… destination`. @throws {Error} with BuildKit's words */
export function parseCopy(node: InstructionNode): CopyInstruction {
  requireDestination(node);
  const flags = parseFlags(node.flags, { ...commonFlags, from: "string", parents: "boolean" });
  return {
    type: "copy",
    ...baseOf(node),
    ...parseSources(node, flags),
    from: flags.string("from") || undefined,
    parents: flags.boolean("parents") ?? false,
  };
}

/** `ADD [flags] source… destination`. @throws {Error} with BuildKit's words */
export function parseAdd(node: InstructionNode): AddInstruction {
  requireDestination(node);
  const flags = parseFlags(node.flags, {
    ...commonFlags,
    checksum: "string",
    "keep-git-dir": "boolean",
    unpack: "boolean",
  });
  return {
    type: "add",
    ...baseOf(node),
    ...parseSources(node, flags),
    checksum: flags.string("checksum") || undefined,
    keepGitDir: flags.boolean("keep-git-dir"),
    unpack: flags.boolean("unpack"),
  };
}

function requireDestination({ name, args }: InstructionNode): void {
  if (args.length >= 2) return;
  throw new Error(
    `${name.toUpperCase()} requires at least two arguments, but only one was provided. Destination could not be determined`,
  );
}

function parseSources(node: InstructionNode, flags: FlagValues): CopySources {
  const name = node.name.toUpperCase();
  const words = textsOf(node.args);
  const destination = words.at(-1) ?? "";
  if (parseHeredocMark(destination)) throw new Error(`${name} cannot accept a heredoc as a destination`);
  const sources: string[] = [];
  const inlineFiles: InlineFile[] = [];
  for (const word of words.slice(0, -1)) {
    const mark = node.json ? undefined : parseHeredocMark(word);
    if (!mark) {
      sources.push(word);
      continue;
    }
    const content = node.heredocs.find((heredoc) => heredoc.name === mark.name)?.content ?? "";
    inlineFiles.push({ name: mark.name, content: mark.chomp ? chompTabs(content) : content, expand: mark.expand });
  }
  return {
    sources,
    inlineFiles,
    destination,
    chown: flags.string("chown") || undefined,
    chmod: flags.string("chmod") || undefined,
    exclude: flags.list("exclude"),
    link: flags.boolean("link") ?? false,
  };
}
