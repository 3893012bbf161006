import { createHash } from "node:crypto";
import type { BootEvent } from "../../builder/mod.ts";
import type { Nanos, SolveStatus } from "../../progress/mod.ts";

/** An engine's start as progress shows it: one step, with its parts and what the engine said. */
export interface BootStatusOptions {
  readonly now: () => Date;
  readonly update: (status: SolveStatus) => void;
  /** Name of the node, where there are several. */
  readonly node?: string | undefined;
  /** The step is shown only when it takes longer than this. */
  readonly quietMs?: number;
}

/** Makes a listener for one node's {@link BootEvent}s. */
export function bootStatus({ now, update, node, quietMs = 0 }: BootStatusOptions): (event: BootEvent) => void {
  const digest = `sha256:${createHash("sha256")
    .update(`boot ${node ?? ""}`)
    .digest("hex")}`;
  const begun = new Map<string, Nanos>();
  const held: SolveStatus[] = [];
  let shown = quietMs === 0;
  let timer: NodeJS.Timeout | undefined;
  let vertex = { digest, inputs: [], name: "", cached: false, error: "", started: 0n };
  const show = (status: Partial<SolveStatus>) => {
    const whole = { vertexes: [], statuses: [], logs: [], warnings: [], ...status };
    if (shown) update(whole);
    else held.push(whole);
  };
  const reveal = () => {
    shown = true;
    for (const status of held.splice(0)) update(status);
  };
  return (event) => {
    const at = nanos(now());
    switch (event.type) {
      case "starting":
        vertex = { ...vertex, name: nameOf(event.what, node), started: at };
        show({ vertexes: [vertex] });
        if (!shown) timer = setTimeout(reveal, quietMs).unref();
        break;
      case "step": {
        const { name, state } = event;
        const started = begun.get(name) ?? at;
        begun.set(name, started);
        const ended = state === "started" ? {} : { completed: at };
        show({
          statuses: [{ id: name, vertex: digest, name, current: 0n, total: 0n, timestamp: at, started, ...ended }],
        });
        if (event.state === "failed") {
          clearTimeout(timer);
          reveal();
          show({ vertexes: [{ ...vertex, error: event.error, completed: at } as typeof vertex] });
        }
        break;
      }
      case "log":
        show({ logs: [{ vertex: digest, stream: 2, data: Buffer.from(event.text), timestamp: at }] });
        break;
      case "running":
        clearTimeout(timer);
        show({ vertexes: [{ ...vertex, completed: at } as typeof vertex] });
        break;
    }
  };
}

/** `[internal] x` of node n is `[n internal] x`. */
function nameOf(what: string, node: string | undefined): string {
  if (node === undefined) return what;
  return what.startsWith("[") ? `[${node} ${what.slice(1)}` : `[${node}] ${what}`;
}

function nanos(date: Date): Nanos {
  return BigInt(date.getTime()) * 1_000_000n;
}
