import { dockerfileError, SourceText } from "../source-text.ts";
import type { Directive } from "./ast.ts";

const known = new Set(["syntax", "escape", "check"]);

/**
 * The directives at the top of a file; the first line that is none ends them. A first line `#!…` is skipped.
 * @param marker what starts a comment: `#`, or `//` for files in other languages
 */
export function readDirectives(source: SourceText, marker: "#" | "//" = "#"): readonly Directive[] {
  const found: Directive[] = [];
  for (const [at, line] of source.lines.entries()) {
    const text = line.trim();
    if (at === 0 && text.startsWith("#!")) continue;
    if (!text.startsWith(marker)) break;
    const match = /^\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*)$/s.exec(text.slice(marker.length));
    const name = match?.[1]?.toLowerCase() ?? "";
    if (!known.has(name)) break;
    const range = source.range(at + 1, at + 1);
    if (found.some((directive) => directive.name === name)) {
      throw dockerfileError(`only one ${name} parser directive can be used`, range);
    }
    found.push({ name: name as Directive["name"], value: match?.[2] ?? "", range });
  }
  return found;
}

/** What a file says of the frontend that should read it. */
export interface SyntaxDirective {
  /** Image reference. */
  readonly ref: string;
  /** The whole value: reference and arguments. */
  readonly commandLine: string;
  readonly range: Directive["range"];
}

/**
 * Looks for `# syntax=`, `// syntax=` or `{"syntax": "…"}`. Looks at the start of the file only, so it does not mind what a Dockerfile must
 * not have: the file may be in another language.
 * @param options.name of another directive to look for; those are told by `#` only
 */
export function detectSyntax(
  bytes: Uint8Array,
  options: { readonly filename: string; readonly name?: Directive["name"] },
): SyntaxDirective | undefined {
  const { name = "syntax" } = options;
  const source = new SourceText(bytes, options.filename, { anyLength: true });
  for (const marker of name === "syntax" ? (["#", "//"] as const) : (["#"] as const)) {
    let directives: readonly Directive[];
    try {
      directives = readDirectives(source, marker);
    } catch {
      continue;
    }
    const syntax = directives.find((directive) => directive.name === name);
    if (syntax) return { ref: syntax.value.split(" ")[0] as string, commandLine: syntax.value, range: syntax.range };
  }
  if (name !== "syntax" || !source.text.trimStart().startsWith("{")) return undefined;
  try {
    const parsed: unknown = JSON.parse(source.text);
    const value = (parsed as { syntax?: unknown }).syntax;
    return typeof value === "string" ? { ref: value, commandLine: value, range: source.range(1, 1) } : undefined;
  } catch {
    return undefined;
  }
}

/** @throws {BuildError} `invalid escape token …` */
export function escapeOf(directives: readonly Directive[]): "\\" | "`" {
  const directive = directives.find((found) => found.name === "escape");
  if (!directive) return "\\";
  if (directive.value === "\\" || directive.value === "`") return directive.value;
  throw dockerfileError(`invalid escape token '${directive.value}' does not match \` or \\`, directive.range);
}
