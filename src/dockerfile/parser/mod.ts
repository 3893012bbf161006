/** Text to instructions and words, each with its place. */
export type { Directive, DockerfileAst, Heredoc, InstructionNode, KeyValueWord, Word } from "./ast.ts";
export { detectSyntax, type SyntaxDirective } from "./directives.ts";
export { chompTabs, type HeredocMark, parseHeredocMark } from "./heredoc.ts";
export { parseDockerfile } from "./parser.ts";
