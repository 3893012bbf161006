import type { JaegerSpan, JaegerTrace } from "./jaeger.ts";

/** Traces as a page of HTML that needs nothing else: each span a line, below the one that it is part of, with a bar from its beginning to its end. */
export function tracePage(traces: readonly JaegerTrace[]): string {
  const [first] = traces;
  const title = first ? `Trace ${traces.map(({ traceID }) => traceID.slice(0, 7)).join(" and ")}` : "No trace";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title><style>${style}</style></head><body>
${traces.map(traceTable).join("\n")}
</body></html>
`;
}

const style = `
body { font: 13px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222; background: #fff }
table { border-collapse: collapse; width: 100%; table-layout: fixed; margin-bottom: 2em }
td { padding: 1px 6px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
td:first-child { width: 45% } td:last-child { width: 7em; text-align: right; font-variant-numeric: tabular-nums }
tr:hover { background: #eef } i { display: block; height: 10px; min-width: 2px; border-radius: 2px; background: #3b7dd8 }
.error i { background: #c33 } .error td { color: #a00 } small { color: #777 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b } tr:hover { background: #223 } }`;

function traceTable({ traceID, spans, processes }: JaegerTrace): string {
  const begin = spans.reduce((least, { startTime }) => Math.min(least, startTime), Number.POSITIVE_INFINITY);
  const end = spans.reduce((most, { startTime, duration }) => Math.max(most, startTime + duration), begin + 1);
  const share = (microseconds: number) => `${((microseconds * 100) / (end - begin)).toFixed(3)}%`;
  const rows = inOrder(spans).map(({ span, depth }) => {
    const isError = span.tags.some(({ key, value }) => key === "error" && value === true);
    const service = processes[span.processID]?.serviceName ?? "";
    const details = span.tags.map(({ key, value }) => `${key}=${String(value)}`).join("\n");
    const bar = `margin-left:${share(span.startTime - begin)};width:${share(span.duration)}`;
    return `<tr${isError ? ' class="error"' : ""} title="${escaped(details)}"><td style="padding-left:${depth * 14 + 6}px">${escaped(span.operationName)} <small>${escaped(service)}</small></td><td><i style="${bar}"></i></td><td>${seconds(span.duration)}</td></tr>`;
  });
  const many = `${spans.length} ${spans.length === 1 ? "span" : "spans"}, ${seconds(end - begin)}`;
  return `<h1>${escaped(traceID)}</h1><p>${many}</p><table>${rows.join("\n")}</table>`;
}

/** Each behind what it is part of, by time; what belongs to nothing that is there stands at the edge. */
function inOrder(spans: readonly JaegerSpan[]): readonly { readonly span: JaegerSpan; readonly depth: number }[] {
  const known = new Set(spans.map(({ spanID }) => spanID));
  const below = new Map<string, JaegerSpan[]>();
  for (const span of spans.toSorted((a, b) => b.startTime - a.startTime)) {
    const parent = span.references.find(({ refType }) => refType === "CHILD_OF")?.spanID ?? "";
    const key = known.has(parent) && parent !== span.spanID ? parent : "";
    below.set(key, [...(below.get(key) ?? []), span]);
  }
  const ordered: { readonly span: JaegerSpan; readonly depth: number }[] = [];
  const stack = (below.get("") ?? []).map((span) => ({ span, depth: 0 }));
  for (let next = stack.pop(); next; next = stack.pop()) {
    ordered.push(next);
    const { spanID } = next.span;
    for (const span of below.get(spanID) ?? []) stack.push({ span, depth: next.depth + 1 });
    below.delete(spanID); // two spans of one id have their parts once
  }
  return ordered;
}

function seconds(microseconds: number): string {
  return microseconds < 1e6 ? `${(microseconds / 1000).toFixed(1)} ms` : `${(microseconds / 1e6).toFixed(2)} s`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
