/** One message of a stream that tells how work goes on. */
export interface EngineMessage {
  readonly stream?: string;
  readonly error?: string;
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
  const { stream, error, errorDetail } = json as {
    stream?: unknown;
    error?: unknown;
    errorDetail?: { message?: unknown };
  };
  const text = errorDetail?.message ?? error;
  yield {
    ...(typeof stream === "string" ? { stream } : {}),
    ...(typeof text === "string" ? { error: text } : {}),
  };
}
