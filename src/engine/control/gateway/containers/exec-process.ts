import type { MessageInitShape } from "../../../../base/protobuf/mod.ts";
import { gateway } from "../../../../api/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import { statusOf } from "../../../../rpc/mod.ts";
import type { ProcessIO, RunningProcess } from "../../../executor/mod.ts";
import { exitDetail } from "../../../ops/mod.ts";
import { buildFailure } from "../../build-failure.ts";
import type { GatewayContainer } from "./container.ts";
import { signalNumber } from "./signals.ts";
import { StandardInput } from "./standard-input.ts";

type Reply = NonNullable<MessageInitShape<typeof gateway.ExecMessageSchema>["Input"]>;

/** What callers of BuildKit know as "nobody knows how it ended". */
const unknownExitCode = 255;

/** The largest piece of output in one message. */
const outputPieceBytes = 256 * 1024;

/** One process of a stream: from the messages about it to a process that runs, and back. */
export class ExecProcess {
  readonly #init: gateway.InitMessage;
  readonly #reply: (message: Reply) => Promise<void>;
  readonly #input: StandardInput | undefined;
  readonly #running = Promise.withResolvers<RunningProcess | undefined>();

  /** @throws {BuildError} `out_of_range` when it wants other descriptors than 0, 1 and 2 */
  constructor(init: gateway.InitMessage, reply: (message: Reply) => Promise<void>) {
    this.#init = init;
    this.#reply = reply;
    for (const fd of init.Fds) if (fd > 2) throw unavailable(fd);
    this.#input = init.Fds.includes(0) ? new StandardInput() : undefined;
  }

  /** Runs it to its end, and tells how it ended. */
  async run(container: GatewayContainer, { signal }: { signal: AbortSignal }): Promise<void> {
    const fds = this.#init.Fds.filter((fd) => fd > 0);
    await this.#reply({ case: "Started", value: {} });
    const exit = await this.#exit(container, signal);
    this.#running.resolve(undefined);
    this.#input?.end();
    for (const Fd of fds) await this.#reply({ case: "File", value: { Fd, EOF: true } });
    await this.#reply({ case: "Exit", value: exit });
    await this.#reply({ case: "Done", value: {} });
  }

  /** Takes a message that is not the first. Waits while the process does not read what it was sent before. */
  async tell(message: gateway.ExecMessage["Input"]): Promise<void> {
    switch (message.case) {
      case "File": {
        const { Fd, Data, EOF } = message.value;
        if (Fd !== 0 || !this.#input) throw unavailable(Fd);
        await this.#input.write(Data);
        if (EOF) this.#input.end();
        return;
      }
      case "Resize": {
        const { Rows: rows, Cols: columns } = message.value;
        void this.#running.promise.then((process) =>
          process?.resize({ rows: rows & 0xffff, columns: columns & 0xffff }),
        );
        return;
      }
      case "Signal": {
        const number = signalNumber(message.value.Name);
        void this.#running.promise.then((process) => process?.signal(number));
        return;
      }
      default:
        throw new BuildError("invalid_argument", `unexpected message ${message.case ?? "without content"}`);
    }
  }

  async #exit(container: GatewayContainer, signal: AbortSignal) {
    try {
      const { code, oomKilled } = await container.run(this.#init, this.#io(), { signal });
      if (code === 0) return { Code: 0 };
      const why = oomKilled ? ": cannot allocate memory" : "";
      const details = [exitDetail(code)];
      return { Code: code, Error: statusOf(new BuildError("unknown", `exit code: ${code}${why}`, { details })) };
    } catch (error) {
      return { Code: unknownExitCode, Error: statusOf(buildFailure(error)) };
    }
  }

  #io(): ProcessIO {
    const { Fds, Tty } = this.#init;
    const output = (Fd: number) => async (data: Uint8Array) => {
      if (!Fds.includes(Fd)) return;
      for (let at = 0; at < data.byteLength; at += outputPieceBytes) {
        const Data = data.subarray(at, at + outputPieceBytes) as Uint8Array<ArrayBuffer>;
        await this.#reply({ case: "File", value: { Fd, Data } });
      }
    };
    return {
      stdout: output(1),
      // Whoever looks at a terminal looks at one stream.
      stderr: output(Tty ? 1 : 2),
      ...(this.#input ? { stdin: this.#input } : {}),
      ...(Tty ? { terminal: true } : {}),
      onStarted: (process) => this.#running.resolve(process),
    };
  }
}

function unavailable(fd: number): BuildError {
  return new BuildError("out_of_range", `fd ${fd} unavailable to write`);
}
