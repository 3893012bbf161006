import { BuildError, messageOf } from "../../../../base/errors/mod.ts";
import type { LintAnswer } from "../../../../subrequests/mod.ts";
import { MemoryBridge } from "../../testing/memory-bridge.ts";
import { dockerfileFrontend } from "../mod.ts";

/** What an engine says of a Dockerfile. */
export interface Verdict {
  /** Why it cannot be built; empty: it can. */
  readonly error: string;
  /** Findings as `Rule@line: message`, sorted. */
  readonly findings: readonly string[];
}

/** The verdict of this frontend. Never throws for what stands in the file. */
export async function ownVerdict(dockerfile: string): Promise<Verdict> {
  const options = { requestid: "frontend.lint" };
  const bridge = new MemoryBridge({ options, files: { Dockerfile: dockerfile } });
  try {
    const { metadata } = await dockerfileFrontend(bridge, { signal: new AbortController().signal });
    return verdictOf(JSON.parse(new TextDecoder().decode(metadata["result.json"])) as LintAnswer);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error; // a bug, and not a verdict
    return { error: messageOf(error), findings: [] };
  }
}

/** What an answer to `frontend.lint` comes to. */
export function verdictOf({ warnings, buildError }: LintAnswer): Verdict {
  return {
    error: buildError?.message ?? "",
    findings: (warnings ?? [])
      .map(({ ruleName, detail = "", location }) => `${ruleName}@${location?.ranges?.[0]?.start.line ?? 0}: ${detail}`)
      .sort(),
  };
}

/** Differences that have an explanation: `docs/dockerfile.md` tells them. */
const explained: readonly { readonly why: string; readonly applies: (ours: Verdict, theirs: Verdict) => boolean }[] = [
  {
    why: "which image cannot be found, and in which words, depends on the registry",
    applies: (ours, theirs) => isLookUp(ours.error) && isLookUp(theirs.error),
  },
  {
    why: "where several names are equally near, BuildKit suggests any of them",
    applies: (ours, theirs) => {
      const plain = ({ error, findings }: Verdict) =>
        JSON.stringify([error, findings]).replaceAll(/ \(did you mean [^?]*\?\)/g, " (?)");
      return plain(ours) === plain(theirs);
    },
  },
  {
    why: "BuildKit takes the bytes of flags for characters, so that letters other than ASCII's are garbled",
    applies: (_ours, theirs) => /[\u0080-\u00ff]/.test(theirs.error),
  },
  {
    why: "BuildKit calls the end of a text in the middle of ${x an unsupported modifier, unprintable at that",
    applies: (ours, theirs) =>
      ours.error === theirs.error.replace("unsupported modifier (\ufffd) in substitution", "syntax error: missing '}'"),
  },
  {
    why: "of a mode that is no number BuildKit says no more than that its syntax is invalid",
    applies: (ours, theirs) => theirs.error === "invalid syntax" && ours.error.startsWith("invalid chmod parameter"),
  },
  {
    why: "a ${x…} with an operator makes BuildKit forget what stands in front of it, so that << is no heredoc there",
    applies: (ours, theirs) => ours.error === "unterminated heredoc" && theirs.error.includes("unknown instruction"),
  },
];

const isLookUp = (error: string) =>
  /: failed to resolve source metadata for |: not found( \(did you mean .*\?\))?$|failed to do request/.test(error);

/** How two verdicts differ; `undefined` when they do not, or when that is explained. */
export function difference(ours: Verdict, theirs: Verdict): string | undefined {
  if (explained.some(({ applies }) => applies(ours, theirs))) return undefined;
  if (ours.error !== theirs.error)
    return `error: ours ${JSON.stringify(ours.error)}, theirs ${JSON.stringify(theirs.error)}`;
  const only = (a: Verdict, b: Verdict) => a.findings.filter((finding) => !b.findings.includes(finding));
  const [more, less] = [only(ours, theirs), only(theirs, ours)];
  if (more.length === 0 && less.length === 0) return undefined;
  return `findings: only ours ${JSON.stringify(more)}, only theirs ${JSON.stringify(less)}`;
}
