/** One message of a stream that tells how work goes on: a load, a pull, a push. */
export interface EngineMessage {
  readonly stream?: string;
  readonly error?: string;
  /** What the message is about, for instance a layer. */
  readonly id?: string;
  readonly status?: string;
  readonly current?: number;
  readonly total?: number;
}

/** Reads messages that follow each other as JSON objects, a line each. What is none is passed over. */
export async function* jsonMessages(body: AsyncIterable<Uint8Array>): AsyncGenerator<EngineMessage> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield* parse(line);
  }
  yield* parse(rest);
}

function* parse(line: string): Generator<EngineMessage> {
  if (line.trim() === "") return;
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return;
  }
  const { stream, error, errorDetail, id, status, progressDetail } = json as Record<string, unknown>;
  const text = (errorDetail as { message?: unknown } | null | undefined)?.message ?? error;
  const { current, total } = (progressDetail ?? {}) as { current?: unknown; total?: unknown };
  yield {
    ...(typeof stream === "string" ? { stream } : {}),
    ...(typeof text === "string" ? { error: text } : {}),
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof status === "string" ? { status } : {}),
    ...(typeof current === "number" ? { current } : {}),
    ...(typeof total === "number" ? { total } : {}),
  };
}
