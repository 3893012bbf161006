import { type SpanJson, splitSpans } from "../traces/span-stream.ts";

/** Where caches were taken from, without what opens those places; empty when it cannot be read. */
export function sanitizedImports(json: string): string {
  try {
    const entries = JSON.parse(json) as readonly { readonly Type: string; readonly Attrs?: Record<string, string> }[];
    return JSON.stringify(
      entries.map(({ Type, Attrs = {} }) => ({
        Type,
        Attrs: Object.fromEntries(["ref", "scope"].flatMap((key) => (key in Attrs ? [[key, Attrs[key]]] : []))),
      })),
    );
  } catch {
    return "";
  }
}

const settings = /(ghtoken|token|access_key_id|secret_access_key|session_token)=[^ ,]+/gi;
/** Tokens of GitHub, whatever they stand behind. */
const tokens = /gh[us]_[A-Za-z0-9]{36}|github_pat_\w{82}/g;

/** A trace without passwords: command lines of clients are in it. @throws {BuildError} `invalid_argument` for what is no trace */
export function sanitizedTrace(bytes: Uint8Array): Uint8Array {
  const spans = splitSpans(bytes).map((span): SpanJson => {
    const attributes = span.Attributes?.map(({ Key, Value }) => ({
      Key,
      Value: typeof Value.Value === "string" ? { ...Value, Value: sanitized(Value.Value) } : Value,
    }));
    return { ...span, Attributes: attributes ?? null };
  });
  return Buffer.from(spans.map((span) => `${JSON.stringify(span, undefined, 2)}\n`).join(""));
}

function sanitized(text: string): string {
  return text.replaceAll(settings, "$1=xxxxx").replaceAll(tokens, "xxxxx");
}
