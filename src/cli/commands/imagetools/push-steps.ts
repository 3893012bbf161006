import { createHash, randomUUID } from "node:crypto";
import { isAbort, messageOf } from "../../../base/errors/mod.ts";
import type { PushEvent } from "../../../imagetools/mod.ts";
import type { Display, SolveStatus, Vertex } from "../../../progress/mod.ts";

/** Shows what happens while an image is pushed as steps of a build: one for each repository, with a line for each thing done. */
export class PushSteps {
  readonly #display: Display;
  readonly #now: () => Date;
  readonly #steps = new Map<string, Vertex>();
  readonly #run = randomUUID();

  constructor(display: Display, now: () => Date) {
    this.#display = display;
    this.#now = now;
  }

  show(event: PushEvent): void {
    const { repository } = event;
    switch (event.type) {
      case "started":
        return this.#step(repository, { started: this.#nanos() });
      case "copying":
        return this.#log(repository, `copying ${event.digest} from ${event.from} to ${repository}\n`);
      case "pushing":
        return this.#log(repository, `pushing ${event.digest} to ${event.to}\n`);
      case "ended":
        return this.#step(repository, { completed: this.#nanos(), error: textOf(event.error) });
    }
  }

  /** Shows what people should know of a push that has gone well. */
  warn({ short, detail }: { readonly short: string; readonly detail: readonly string[] }): void {
    const [step] = this.#steps.values();
    const warning = {
      vertex: step?.digest ?? "",
      level: 1,
      short: Buffer.from(short),
      detail: detail.map((line) => Buffer.from(line)),
      url: "",
      ranges: [],
    };
    this.#display.update({ ...nothing, warnings: [warning] });
  }

  #step(repository: string, change: Partial<Vertex>): void {
    const digest = `sha256:${createHash("sha256").update(`${this.#run} ${repository}`).digest("hex")}`;
    const name = `[internal] pushing ${repository}`;
    const old = this.#steps.get(repository) ?? { digest, name, inputs: [], cached: false, error: "" };
    const vertex = { ...old, ...change };
    this.#steps.set(repository, vertex);
    this.#display.update({ ...nothing, vertexes: [vertex] });
  }

  #log(repository: string, text: string): void {
    const vertex = this.#steps.get(repository)?.digest;
    if (vertex === undefined) return;
    const log = { vertex, stream: 1, data: Buffer.from(text), timestamp: this.#nanos() };
    this.#display.update({ ...nothing, logs: [log] });
  }

  #nanos(): bigint {
    return BigInt(this.#now().getTime()) * 1_000_000n;
  }
}

const nothing: SolveStatus = { vertexes: [], statuses: [], logs: [], warnings: [] };

function textOf(error: unknown): string {
  if (error === undefined) return "";
  return isAbort(error) ? "context canceled" : messageOf(error);
}
