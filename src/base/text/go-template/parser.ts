import type { Node, Operand, Pipeline } from "./ast.ts";
import { cutTemplate, type Piece, templateError } from "./lexer.ts";

/** Parses a template. @throws {Error} what is wrong with it */
export function parseTemplate(source: string): readonly Node[] {
  const pieces = cutTemplate(source);
  const { nodes, end } = parseBody(pieces, 0);
  if (end < pieces.length) throw templateError(`unexpected {{${keyword(pieces[end])}}}`);
  return nodes;
}

/** Reads until the `else` or `end` that belongs to somebody further out. */
function parseBody(pieces: readonly Piece[], start: number): { nodes: Node[]; end: number } {
  const nodes: Node[] = [];
  let at = start;
  while (at < pieces.length) {
    const piece = pieces[at] as Piece;
    if ("text" in piece) {
      nodes.push({ type: "text", text: piece.text });
      at++;
      continue;
    }
    const [first] = piece.tokens;
    if (first === "end" || first === "else") break;
    if (first === "if" || first === "with" || first === "range") {
      const block = parseBlock(pieces, at, first, piece.tokens.slice(1));
      nodes.push(block.node);
      at = block.end;
      continue;
    }
    if (first === "define" || first === "template" || first === "block" || first === "break" || first === "continue") {
      throw templateError(`{{${first}}} is not supported here`);
    }
    nodes.push({ type: "output", pipeline: parsePipeline(piece.tokens) });
    at++;
  }
  return { nodes, end: at };
}

function parseBlock(
  pieces: readonly Piece[],
  start: number,
  type: "if" | "with" | "range",
  tokens: readonly string[],
): { node: Node; end: number } {
  const pipeline = parsePipeline(tokens);
  const body = parseBody(pieces, start + 1);
  const closing = pieces[body.end];
  if (!closing || !("tokens" in closing)) throw templateError(`unexpected EOF, {{${type}}} has no {{end}}`);
  const finish = (otherwise: readonly Node[], end: number) => ({
    node: { type, pipeline, body: body.nodes, otherwise } as Node,
    end,
  });
  if (closing.tokens[0] === "end") return finish([], body.end + 1);
  const chained = closing.tokens[1];
  if (chained === "if" || chained === "with") {
    const nested = parseBlock(pieces, body.end, chained, closing.tokens.slice(2));
    return finish([nested.node], nested.end); // its {{end}} is ours as well
  }
  const otherwise = parseBody(pieces, body.end + 1);
  if (keyword(pieces[otherwise.end]) !== "end") throw templateError(`unexpected EOF, {{else}} has no {{end}}`);
  return finish(otherwise.nodes, otherwise.end + 1);
}

function keyword(piece: Piece | undefined): string {
  return piece && "tokens" in piece ? (piece.tokens[0] ?? "") : "";
}

function parsePipeline(tokens: readonly string[]): Pipeline {
  const assignment = tokens.findIndex((token) => token === ":=" || token === "=");
  const variables = assignment < 0 ? [] : tokens.slice(0, assignment).filter((token) => token !== ",");
  if (variables.some((name) => !/^\$\w+$/.test(name)) || variables.length > 2)
    throw templateError("unexpected assignment");
  const reader = new TokenReader(tokens.slice(assignment + 1));
  const commands = readCommands(reader);
  if (!reader.done) throw templateError(`unexpected ${JSON.stringify(reader.peek())} in command`);
  return { variables, assigns: assignment >= 0 && tokens[assignment] === "=", commands };
}

class TokenReader {
  #at = 0;
  readonly #tokens: readonly string[];
  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }
  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }
  peek(): string | undefined {
    return this.#tokens[this.#at];
  }
  next(): string | undefined {
    return this.#tokens[this.#at++];
  }
}

function readCommands(reader: TokenReader): Operand[][] {
  const commands: Operand[][] = [];
  for (;;) {
    const operands: Operand[] = [];
    for (let token = reader.peek(); token !== undefined && token !== "|" && token !== ")"; token = reader.peek()) {
      if (token === " ") reader.next();
      else operands.push(readOperand(reader));
    }
    if (operands.length === 0)
      throw templateError(commands.length === 0 ? "missing value for command" : "missing command after |");
    commands.push(operands);
    if (reader.peek() !== "|") return commands;
    reader.next();
  }
}

function readOperand(reader: TokenReader): Operand {
  const token = reader.next() as string;
  if (token === "(") {
    const commands = readCommands(reader);
    if (reader.next() !== ")") throw templateError("unclosed left paren");
    const after = reader.peek();
    const fields = after !== undefined && /^\.\w/.test(after) ? fieldsOf(reader.next() as string) : [];
    return { type: "group", pipeline: { variables: [], assigns: false, commands }, fields };
  }
  if (token.startsWith(".")) return { type: "dot", fields: fieldsOf(token) };
  if (token.startsWith("$")) {
    const dot = token.indexOf(".");
    const name = dot < 0 ? token : token.slice(0, dot);
    return { type: "variable", name, fields: dot < 0 ? [] : fieldsOf(token.slice(dot)) };
  }
  if (token.startsWith('"')) return { type: "literal", value: JSON.parse(token) as string };
  if (token.startsWith("`")) return { type: "literal", value: token.slice(1, -1) };
  if (/^[-+]?\d/.test(token)) return { type: "literal", value: Number(token) };
  if (token === "true" || token === "false") return { type: "literal", value: token === "true" };
  if (token === "nil") return { type: "literal", value: null };
  if (/^\w+$/.test(token)) return { type: "function", name: token };
  throw templateError(`unexpected ${JSON.stringify(token)} in operand`);
}

function fieldsOf(token: string): string[] {
  return token === "." ? [] : token.slice(1).split(".");
}
