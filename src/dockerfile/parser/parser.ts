import { BuildError, messageOf, type SourceRange } from "../../base/errors/mod.ts";
import { dockerfileError, SourceText } from "../source-text.ts";
import { jsonStrings, keyValues, plainWords, quotedWords, type Span, spanText, wholeText } from "./arguments.ts";
import type { DockerfileAst, Heredoc, InstructionNode, KeyValueWord, Word } from "./ast.ts";
import { escapeOf, readDirectives } from "./directives.ts";
import { trimBlanks, trimBlanksStart } from "../blanks.ts";
import { type HeredocMark, heredocMarks } from "./heredoc.ts";
import { LogicalLine, withoutContinuation } from "./logical-line.ts";
import { splitCommand } from "./split-command.ts";

/**
 * Cuts a Dockerfile into instructions and words. What the instructions mean is not looked at; unknown ones are kept.
 * @param filename how people know the file
 * @throws {BuildError} with the place: empty file, line too long, bad directive, unterminated heredoc, malformed arguments
 */
export function parseDockerfile(bytes: Uint8Array, options: { filename: string }): DockerfileAst {
  if (bytes.length === 0) throw dockerfileError("the Dockerfile cannot be empty");
  const source = new SourceText(bytes, options.filename);
  const directives = readDirectives(source);
  const escape = escapeOf(directives);
  const { instructions, emptyContinuations } = new Parser(source, escape, directives.length).run();
  if (instructions.length === 0)
    throw dockerfileError("file with no instructions", source.range(1, Math.max(1, source.lines.length)));
  return { filename: source.filename, text: source.text, bytes, directives, escape, instructions, emptyContinuations };
}

class Parser {
  readonly #source: SourceText;
  readonly #escape: "\\" | "`";
  /** Comment lines at the top that are directives. */
  readonly #directives: number;
  /** Index of the next line. */
  #next = 0;

  constructor(source: SourceText, escape: "\\" | "`", directives: number) {
    this.#source = source;
    this.#escape = escape;
    this.#directives = directives;
  }

  run(): { instructions: InstructionNode[]; emptyContinuations: SourceRange[] } {
    const { lines } = this.#source;
    const instructions: InstructionNode[] = [];
    const emptyContinuations: SourceRange[] = [];
    let comments: string[] = [];
    let directivesLeft = this.#directives;
    while (this.#next < lines.length) {
      const text = lines[this.#next] as string;
      if (isComment(text)) {
        this.#next++;
        if (directivesLeft > 0 && !text.startsWith("#!")) directivesLeft--;
        else addComment(comments, text);
        continue;
      }
      const startLine = this.#next + 1;
      const { line, sawEmptyLine } = this.#readLogicalLine();
      // A continuation that leads nowhere is not nothing: it is an instruction without a name.
      if (trimBlanks(line.text) === "" && this.#next === startLine && !isContinued(text, this.#escape)) continue;
      if (sawEmptyLine) emptyContinuations.push(this.#source.range(this.#next, this.#next));
      instructions.push(this.#readInstruction(line, startLine, comments));
      comments = [];
    }
    return { instructions, emptyContinuations };
  }

  /** Joins the line at hand with those that continue it. Comment lines in between are dropped. */
  #readLogicalLine(): { line: LogicalLine; sawEmptyLine: boolean } {
    const { lines } = this.#source;
    const pieces: { text: string; line: number; character: number }[] = [];
    let sawEmptyLine = false;
    for (let first = true; this.#next < lines.length; ) {
      const number = this.#next + 1;
      let text = withoutLineBreak(lines[this.#next] as string);
      this.#next++;
      let character = 0;
      if (first) {
        character = text.length - trimBlanksStart(text).length;
        text = text.slice(character);
      } else if (isComment(text)) {
        continue;
      } else if (trimBlanks(text) === "") {
        sawEmptyLine = true;
        continue;
      }
      first = false;
      const continued = withoutContinuation(text, this.#escape);
      pieces.push({ text: continued ?? text, line: number, character });
      if (continued === undefined) break;
    }
    return { line: new LogicalLine(pieces), sawEmptyLine };
  }

  #readInstruction(line: LogicalLine, startLine: number, comments: readonly string[]): InstructionNode {
    try {
      const range = () => this.#source.range(startLine, this.#next);
      const node = readNode(line, 0, this.#escape);
      const marks = mayHaveHeredocs(node) && line.text.includes("<<") ? heredocMarks(line.text) : [];
      const heredocs = marks.map((mark) => this.#readHeredoc(mark));
      return complete(node, heredocs, range(), comments);
    } catch (error) {
      if (error instanceof BuildError) throw error;
      throw dockerfileError(messageOf(error), this.#source.range(startLine, Math.max(startLine, this.#next)), error);
    }
  }

  #readHeredoc(mark: HeredocMark): Heredoc {
    const { lines } = this.#source;
    const content: string[] = [];
    while (this.#next < lines.length) {
      const raw = lines[this.#next] as string;
      this.#next++;
      const line = withoutLineBreak(raw);
      if ((mark.chomp ? line.replace(/^\t+/, "") : line) === mark.name) return { ...mark, content: content.join("") };
      content.push(raw);
    }
    throw new Error("unterminated heredoc");
  }
}

/** An instruction before its heredocs are read. */
type BareNode = Omit<InstructionNode, "heredocs" | "range" | "comments" | "trigger"> & { readonly trigger?: BareNode };

function complete(
  node: BareNode,
  heredocs: readonly Heredoc[],
  range: SourceRange,
  comments: readonly string[],
): InstructionNode {
  const { trigger, ...rest } = node;
  return { ...rest, heredocs, range, comments, ...(trigger && { trigger: complete(trigger, heredocs, range, []) }) };
}

function mayHaveHeredocs(node: BareNode): boolean {
  const inner = node.name === "onbuild" && node.trigger ? node.trigger : node;
  return ["run", "copy", "add"].includes(inner.name) && !inner.json;
}

/** Triggers of triggers are refused anyway; deeper ones are not even looked at. */
const maxTriggers = 10;

function readNode(line: LogicalLine, from: number, escape: "\\" | "`", depth = 0): BareNode {
  const { keyword, flags, argsStart, argsEnd } = splitCommand(line, from, escape);
  const name = keyword.text.toLowerCase();
  const span: Span = { line, start: argsStart, end: argsEnd };
  return {
    keyword,
    name,
    flags,
    json: false,
    source: trimBlanks(line.text.slice(from)),
    ...readArguments(name, span, escape, depth),
  };
}

/** What stands behind keyword and flags, by instruction. */
interface Arguments {
  readonly args: readonly Word[];
  readonly json?: boolean;
  readonly pairs?: readonly KeyValueWord[];
  readonly trigger?: BareNode;
}

function readArguments(name: string, span: Span, escape: "\\" | "`", depth: number): Arguments {
  switch (name) {
    case "from":
    case "expose":
      return { args: plainWords(span) };
    case "add":
    case "copy":
    case "volume":
      return jsonOr(span, plainWords);
    case "run":
    case "cmd":
    case "entrypoint":
    case "shell":
      return jsonOr(span, wholeText);
    case "arg":
      return { args: quotedWords(span, escape) };
    case "env":
    case "label":
      return { args: [], pairs: keyValues(span, escape, name.toUpperCase()) };
    case "healthcheck":
      return healthcheckArguments(span);
    case "onbuild":
      return span.end > span.start && depth < maxTriggers
        ? { args: wholeText(span), trigger: readNode(span.line, span.start, escape, depth + 1) }
        : { args: wholeText(span) };
    default:
      return { args: wholeText(span) };
  }
}

function jsonOr(span: Span, otherwise: (span: Span) => readonly Word[]): Arguments {
  const strings = jsonStrings(span);
  return strings === undefined ? { args: otherwise(span) } : { args: strings, json: true };
}

/** One word (`CMD` or `NONE`), and then a command as CMD has it. */
function healthcheckArguments(span: Span): Arguments {
  const type = /^\S+/.exec(spanText(span))?.[0];
  if (type === undefined) return { args: [] };
  const rest = span.line.text.slice(span.start + type.length, span.end);
  const restStart = span.end - trimBlanksStart(rest).length;
  const command = jsonOr({ ...span, start: Math.max(restStart, span.start + type.length) }, wholeText);
  return { ...command, args: [span.line.word(span.start, span.start + type.length), ...command.args] };
}

const isContinued = (line: string, escape: string) => withoutContinuation(withoutLineBreak(line), escape) !== undefined;

const isComment = (line: string) => trimBlanksStart(line).startsWith("#");

function withoutLineBreak(line: string): string {
  let end = line.length;
  while (line[end - 1] === "\n" || line[end - 1] === "\r") end--;
  return line.slice(0, end);
}

/** An empty comment separates what is above from what is below. */
function addComment(comments: string[], line: string): void {
  const text = trimBlanks(trimBlanks(line).slice(1));
  if (text === "") comments.length = 0;
  else comments.push(text);
}
