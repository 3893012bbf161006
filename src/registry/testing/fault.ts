import type { IncomingMessage, ServerResponse } from "node:http";

/** Something that goes wrong on purpose. */
export type Fault =
  /** Another answer than the right one. */
  | {
      readonly type: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** The connection breaks before the answer. */
  | { readonly type: "reset" }
  /** The connection breaks in the middle of the answer's body. */
  | { readonly type: "cut"; readonly afterBytes: number }
  /** The connection breaks in the middle of the request's body. */
  | { readonly type: "cut-upload"; readonly afterBytes: number }
  /** One byte of the answer's body is another. */
  | { readonly type: "corrupt"; readonly atByte: number }
  /** No answer ever. */
  | { readonly type: "hang" };

/** A fault and when it strikes. */
export interface PlannedFault {
  readonly when: (request: {
    readonly method: string;
    readonly path: string;
    readonly headers: IncomingMessage["headers"];
  }) => boolean;
  /** How many requests it strikes; 1 when left out. */
  readonly times?: number;
  readonly fault: Fault;
}

/** Strikes. @returns whether the request is dealt with */
export function strike(fault: Fault, request: IncomingMessage, response: ServerResponse): boolean {
  switch (fault.type) {
    case "answer":
      request.resume();
      response.writeHead(fault.status, fault.headers).end(fault.body ?? "");
      return true;
    case "reset":
      request.socket.destroy();
      return true;
    case "hang":
      return true;
    case "cut":
      changeBody(response, (position, chunk) => {
        if (position + chunk.byteLength <= fault.afterBytes) return chunk;
        setImmediate(() => request.socket.destroy());
        return chunk.subarray(0, Math.max(0, fault.afterBytes - position));
      });
      return false;
    case "cut-upload": {
      let seen = 0;
      request.on("data", (chunk: Uint8Array) => {
        seen += chunk.byteLength;
        if (seen >= fault.afterBytes) request.socket.destroy();
      });
      return true;
    }
    case "corrupt":
      changeBody(response, (position, chunk) => {
        const at = fault.atByte - position;
        if (at < 0 || at >= chunk.byteLength) return chunk;
        const changed = Uint8Array.from(chunk);
        changed[at] = (changed[at] as number) ^ 0xff;
        return changed;
      });
      return false;
  }
}

/** Passes all that is written as a body through `change`; `position` counts from the body's start. */
function changeBody(response: ServerResponse, change: (position: number, chunk: Uint8Array) => Uint8Array): void {
  const write = response.write.bind(response) as (chunk: Uint8Array) => boolean;
  const end = response.end.bind(response) as () => ServerResponse;
  let position = 0;
  response.write = ((chunk: Uint8Array) => {
    const changed = change(position, chunk);
    position += chunk.byteLength;
    return changed.byteLength === 0 || write(changed);
  }) as typeof response.write;
  response.end = ((chunk?: Uint8Array) => {
    if (chunk) response.write(chunk);
    return end();
  }) as typeof response.end;
}
