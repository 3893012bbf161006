import type { Position, SourceRange } from "../../base/errors/mod.ts";

/** A piece of an instruction, and where it stands. `end` is behind its last character. */
export interface Word {
  /** What it says, as the instruction sees it. */
  readonly text: string;
  readonly start: Position;
  readonly end: Position;
}

/** `KEY=value`, or the old form `KEY value`. */
export interface KeyValueWord {
  readonly key: Word;
  readonly value: Word;
  readonly legacy: boolean;
}

/** A document that stands behind its instruction. */
export interface Heredoc {
  /** The word that ends it. */
  readonly name: string;
  readonly fileDescriptor: number;
  /** No part of the word is quoted: variables in the content count. */
  readonly expand: boolean;
  /** `<<-`: tabs at the start of each line do not belong to the content. */
  readonly chomp: boolean;
  /** Every line with its line break, as written. */
  readonly content: string;
}

/** One instruction, cut into words, not yet understood. */
export interface InstructionNode {
  /** As written, for instance `Run`. */
  readonly keyword: Word;
  /** Lower case. */
  readonly name: string;
  /** `--flag=value`, quotes and escapes taken away. */
  readonly flags: readonly Word[];
  /** What they are depends on the instruction: words, strings of a JSON array, or the whole rest as one. */
  readonly args: readonly Word[];
  /** The arguments were a JSON array. */
  readonly json: boolean;
  /** ENV and LABEL. */
  readonly pairs?: readonly KeyValueWord[];
  /** ONBUILD. */
  readonly trigger?: InstructionNode;
  readonly heredocs: readonly Heredoc[];
  /** The logical line: continuations joined, comments inside dropped; without heredocs. */
  readonly source: string;
  /** All its lines, heredocs included. */
  readonly range: SourceRange;
  /** Comment lines above it, without `#`. */
  readonly comments: readonly string[];
}

/** `# name = value` at the top of the file. */
export interface Directive {
  readonly name: "syntax" | "escape" | "check";
  readonly value: string;
  readonly range: SourceRange;
}

/** A parsed Dockerfile. */
export interface DockerfileAst {
  readonly filename: string;
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly directives: readonly Directive[];
  readonly escape: "\\" | "`";
  readonly instructions: readonly InstructionNode[];
  /** The last lines of instructions that have empty lines among those that continue them. */
  readonly emptyContinuations: readonly SourceRange[];
}
