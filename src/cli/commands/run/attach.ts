import { spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import type { ContainerProcess } from "../../../run/mod.ts";
import type { CliContext, OutputStream } from "../../context.ts";

/** This process's streams, on loan to a process in a container. Disposing gives them back. */
export class Attachment implements Disposable {
  readonly stdin: AsyncIterable<Uint8Array> | undefined;
  readonly #context: CliContext;
  readonly #raw: boolean;
  readonly #undo = new DisposableStack();

  constructor(context: CliContext, options: { readonly interactive: boolean; readonly tty: boolean }) {
    this.#context = context;
    const { stdin } = context;
    this.stdin = options.interactive ? chunks(stdin as Readable) : undefined;
    this.#raw = options.interactive && options.tty;
    if (options.interactive) this.#undo.defer(() => void stdin.unref?.());
  }

  readonly stdout = async (data: Uint8Array): Promise<void> => await write(this.#context.stdout, data);
  readonly stderr = async (data: Uint8Array): Promise<void> => await write(this.#context.stderr, data);

  /** From now on signals, sizes and keys are the process's. */
  attach(process: ContainerProcess, { tty }: { readonly tty: boolean }): void {
    const { stdin, stdout, forwardSignals } = this.#context;
    this.#undo.use(forwardSignals((name) => process.signal(name)));
    if (!tty) return;
    const resize = () => {
      const { rows, columns } = stdout;
      if (rows && columns) process.resize({ rows, columns });
    };
    resize();
    stdout.on("resize", resize);
    this.#undo.defer(() => stdout.off("resize", resize));
    if (!this.#raw) return;
    stdin.setRawMode?.(true);
    this.#undo.defer(() => void stdin.setRawMode?.(false));
    // Node's raw mode still makes "\r\n" of "\n", which the process's own terminal has seen to. Where there is no stty, most programs do not mind.
    spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  }

  [Symbol.dispose](): void {
    this.#undo.dispose();
  }
}

async function* chunks(stream: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
}

async function write(stream: OutputStream, data: Uint8Array): Promise<void> {
  if (!stream.write(data)) await once(stream, "drain");
}
