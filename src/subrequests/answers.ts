/** Lines of a source text, as answers carry them. Lines count from 1. */
export interface AnswerLocation {
  /** Missing: 0. */
  readonly sourceIndex?: number;
  readonly ranges?: readonly {
    readonly start: { readonly line: number };
    readonly end: { readonly line: number };
  }[];
}

/** A source text, as answers carry it. */
export interface AnswerSource {
  readonly filename: string;
  /** Base64. */
  readonly data: string;
  readonly definition?: unknown;
  readonly language?: string;
}

/** What `frontend.lint` answers. */
export interface LintAnswer {
  /** `null`: none. */
  readonly warnings:
    | readonly {
        readonly ruleName: string;
        readonly description?: string;
        readonly url?: string;
        readonly detail?: string;
        readonly location?: AnswerLocation;
      }[]
    | null;
  readonly sources: readonly AnswerSource[] | null;
  /** Why the Dockerfile cannot be built at all. */
  readonly buildError?: { readonly message: string; readonly location: AnswerLocation };
}

/** What `frontend.outline` answers: what people can choose for a target. */
export interface OutlineAnswer {
  readonly name?: string;
  readonly description?: string;
  readonly args?: readonly {
    readonly name: string;
    readonly description?: string;
    readonly value?: string;
    readonly location?: AnswerLocation;
  }[];
  readonly secrets?: readonly WantedByName[];
  readonly ssh?: readonly WantedByName[];
  /** Base64. */
  readonly sources?: readonly string[];
}

interface WantedByName {
  readonly name: string;
  readonly required?: boolean;
  readonly location?: AnswerLocation;
}

/** What `frontend.targets` answers. */
export interface TargetsAnswer {
  /** `null`: none. */
  readonly targets:
    | readonly {
        readonly name?: string;
        readonly default?: boolean;
        readonly description?: string;
        readonly base?: string;
        readonly platform?: string;
        readonly location?: AnswerLocation;
      }[]
    | null;
  /** Base64. */
  readonly sources: readonly string[];
}

/** One entry of what `frontend.subrequests.describe` answers. */
export interface DescribedRequest {
  readonly name: string;
  readonly version: string;
  readonly type: "rpc";
  readonly description: string;
  readonly opts: readonly NamedThing[] | null;
  readonly inputs: readonly NamedThing[] | null;
  readonly metadata: readonly NamedThing[] | null;
  readonly refs: readonly NamedThing[] | null;
}

interface NamedThing {
  readonly name: string;
  readonly description: string;
}

/** An answer as JSON, in Go's way: two blanks per level, and nothing that HTML would take for its own. */
export function encodeAnswer(answer: LintAnswer | OutlineAnswer | TargetsAnswer | readonly DescribedRequest[]): string {
  return JSON.stringify(answer, undefined, 2).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
