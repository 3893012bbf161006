import type { Node, Operand, Pipeline } from "./ast.ts";
import { formatValue, isTruthy } from "./format-value.ts";
import { standardFunctions, type TemplateFunction } from "./functions.ts";
import { parseTemplate } from "./parser.ts";

/**
 * A template ready to be filled with data. Data are JSON values. A field is found by its own name, or by the name that a Go program gives it:
 * `.Config.WorkingDir`, `.RootFS.DiffIDs` find `config.WorkingDir`, `rootfs.diff_ids`.
 */
export interface Template {
  /** Names of the fields that are taken from the data directly, so that only those have to be fetched. */
  readonly rootFields: ReadonlySet<string>;
  /** Whether the data as a whole are used. */
  readonly usesRoot: boolean;
  /** @throws {Error} when a function fails, or a field is none of the data's own */
  render(data: Readonly<Record<string, unknown>>): string;
}

/** Parses a template; `functions` come beside the standard ones. @throws {Error} what is wrong with it */
export function compileTemplate(source: string, functions: Readonly<Record<string, TemplateFunction>> = {}): Template {
  const nodes = parseTemplate(source);
  const all: Readonly<Record<string, TemplateFunction>> = { ...standardFunctions, ...functions };
  const uses = new Set<string>();
  let usesRoot = false;
  walkOperands(nodes, (operand) => {
    if (operand.type === "function" && !Object.hasOwn(all, operand.name)) {
      throw new Error(`template: :1: function ${JSON.stringify(operand.name)} not defined`);
    }
    if (operand.type === "dot" || (operand.type === "variable" && operand.name === "$")) {
      const [first] = operand.fields;
      if (first === undefined) usesRoot = true;
      else uses.add(first);
    }
  });
  return {
    rootFields: uses,
    usesRoot,
    render: (data) => new Evaluation(all, data).body(nodes, data, new Map([["$", data as unknown]])),
  };
}

type Scope = Map<string, unknown>;

class Evaluation {
  readonly #functions: Readonly<Record<string, TemplateFunction>>;
  readonly #root: unknown;
  constructor(functions: Readonly<Record<string, TemplateFunction>>, root: unknown) {
    this.#functions = functions;
    this.#root = root;
  }
  body(nodes: readonly Node[], dot: unknown, scope: Scope): string {
    return nodes.map((node) => this.#node(node, dot, scope)).join("");
  }
  #node(node: Node, dot: unknown, scope: Scope): string {
    switch (node.type) {
      case "text":
        return node.text;
      case "output": {
        const value = this.#pipeline(node.pipeline, dot, scope);
        return node.pipeline.variables.length > 0 ? "" : formatValue(value);
      }
      case "if":
      case "with": {
        const inner = new Map(scope);
        const value = this.#pipeline(node.pipeline, dot, inner);
        if (!isTruthy(value)) return this.body(node.otherwise, dot, inner);
        return this.body(node.body, node.type === "with" ? value : dot, inner);
      }
      case "range":
        return this.#range(node, dot, scope);
    }
  }
  #range(node: Extract<Node, { type: "range" }>, dot: unknown, scope: Scope): string {
    const { variables } = node.pipeline;
    const value = this.#pipeline({ ...node.pipeline, variables: [] }, dot, new Map(scope));
    const entries = entriesOf(value);
    if (entries.length === 0) return this.body(node.otherwise, dot, scope);
    return entries
      .map(([key, entry]) => {
        const inner = new Map(scope);
        if (variables.length === 2) inner.set(variables[0] as string, key);
        if (variables.length > 0) inner.set(variables.at(-1) as string, entry);
        return this.body(node.body, entry, inner);
      })
      .join("");
  }
  #pipeline(pipeline: Pipeline, dot: unknown, scope: Scope): unknown {
    let value: unknown;
    for (const [at, command] of pipeline.commands.entries()) {
      value = this.#command(command, dot, scope, at > 0 ? [value] : []);
    }
    for (const name of pipeline.variables) scope.set(name, value);
    return value;
  }
  #command([first, ...rest]: readonly Operand[], dot: unknown, scope: Scope, last: readonly unknown[]): unknown {
    if (first?.type === "function") {
      const args = [...rest.map((operand) => this.#operand(operand, dot, scope)), ...last];
      return (this.#functions[first.name] as TemplateFunction)(...args);
    }
    if (rest.length > 0 || last.length > 0) throw new Error("can't give argument to non-function");
    return this.#operand(first as Operand, dot, scope);
  }
  #operand(operand: Operand, dot: unknown, scope: Scope): unknown {
    switch (operand.type) {
      case "literal":
        return operand.value;
      case "dot":
        return this.#fields(dot, operand.fields);
      case "variable":
        if (!scope.has(operand.name)) throw new Error(`undefined variable ${JSON.stringify(operand.name)}`);
        return this.#fields(scope.get(operand.name), operand.fields);
      case "group":
        return this.#fields(this.#pipeline(operand.pipeline, dot, scope), operand.fields);
      case "function":
        return (this.#functions[operand.name] as TemplateFunction)();
    }
  }
  #fields(from: unknown, fields: readonly string[]): unknown {
    return fields.reduce((value, field) => this.#field(value, field), from);
  }
  #field(value: unknown, name: string): unknown {
    if (typeof value !== "object" || value === null) return undefined;
    const object = value as Record<string, unknown>;
    if (Object.hasOwn(object, name)) return object[name];
    const wanted = plainName(name);
    const key = Object.keys(object).find((candidate) => plainName(candidate) === wanted);
    if (key !== undefined) return object[key];
    if (value === this.#root)
      throw new Error(`template: :1: can't evaluate field ${name}: there are ${Object.keys(object).join(", ")}`);
    return undefined;
  }
}

/** A name without what JSON and Go spell differently. */
function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

function entriesOf(value: unknown): (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return [...value.entries()];
  if (typeof value === "object" && value !== null)
    return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (typeof value === "number") return Array.from({ length: value }, (_, at) => [at, at]);
  return [];
}

function walkOperands(nodes: readonly Node[], visit: (operand: Operand) => void): void {
  const pipeline = ({ commands }: Pipeline) => {
    for (const operand of commands.flat()) {
      visit(operand);
      if (operand.type === "group") pipeline(operand.pipeline);
    }
  };
  for (const node of nodes) {
    if (node.type === "text") continue;
    pipeline(node.pipeline);
    if (node.type === "output") continue;
    walkOperands(node.body, visit);
    walkOperands(node.otherwise, visit);
  }
}
